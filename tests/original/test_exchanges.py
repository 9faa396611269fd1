"""Every exchange recorded from the original, replayed over raw sockets against a real gunicorn.

A reply must be as recorded, or as the one difference that ``differences`` names for it.
"""

import json
from datetime import datetime, timezone

import pytest

from ..support.replay import gson_layout, match, request_bytes, send, substitute
from ..support.service import Gunicorn, check_reply
from ..support.tables import execute, read_rows, replace_rows
from .differences import (
    AS_RECORDED,
    EXCHANGES,
    FIXTURE,
    ORIGIN,
    ORIGINALS_TABLE,
    TABLE,
    compared,
    expect,
    expect_afterwards,
    read_exchange,
)

SETTINGS = {
    "ACCESS": "lineage",
    "TIMEZONE": "UTC",
    "ROLES": "User=RestComm:Read:Accounts; PowerUser=RestComm:*:Accounts; Guest=; "
    "Unprivileged=RestComm:Read:Accounts; AppReader=RestComm:Read:Applications",
}
RECORDERS_HOST = "127.0.0.1:8080"

# An application of the setup is made this old, so that an update is seen to move DateUpdated.
LONG_AGO = "2001-02-03 04:05:06.789"
LONG_AGO_PRINTED = "Sat, 3 Feb 2001 04:05:06 +0000"


@pytest.fixture(scope="module")
def database_url(make_database_url):
    return make_database_url()


@pytest.fixture(scope="module")
def servers(database_url):
    """The recorder's two servers, {with CORS_ORIGINS or not: Gunicorn}, on one database."""
    servers = {
        False: Gunicorn(database_url, **SETTINGS),
        True: Gunicorn(database_url, **SETTINGS, CORS_ORIGINS=ORIGIN),
    }
    servers[False].run("init-db")
    try:
        yield {cors: server.start() for cors, server in servers.items()}
    finally:
        for server in servers.values():
            if server.process is not None:
                server.kill()


@pytest.fixture
def rows(database_url, servers):
    """A function that reads all rows; before each test they are those of the recording."""
    replace_rows(database_url, FIXTURE)
    return lambda: read_rows(database_url, FIXTURE)


class Replay:
    """One exchange under way: the server, the database and what the placeholders stand for."""

    def __init__(self, server, database_url):
        self.server = server
        self.database_url = database_url
        self.bindings = {}
        self.told = ""

    def perform(self, recorded, expected):
        """Send a recorded request; assert that the reply is what is expected."""
        host = self.server.url.removeprefix("http://")
        octets = request_bytes(
            recorded.method,
            substitute(recorded.target, self.bindings).replace(RECORDERS_HOST, host),
            recorded.headers,
            recorded.octets,
            host if recorded.sends_host else None,
        )
        began = datetime.now(timezone.utc).replace(microsecond=0)
        reply = send(self.server.port, octets)
        self.told = tell(recorded, expected)
        assert reply.status == expected.status, f"{self.told}\n{reply.body[:500]}"
        self.check_headers(reply, expected, host)
        self.check_body(recorded, reply, expected, began)

    def check_headers(self, reply, expected, host):
        """Assert that what was recorded is there, and nothing that was not."""
        names = compared({name: None for name, _ in reply.headers})
        headers = {name: reply.header(name) for name in names}
        wanted = dict(expected.headers)
        if "Link" in wanted:
            wanted["Link"] = wanted["Link"].replace(RECORDERS_HOST, host)
        if "Allow" in wanted:
            wanted["Allow"] = as_methods(wanted["Allow"])
            headers["Allow"] = as_methods(headers.get("Allow", ""))
        assert headers == wanted, self.told

    def check_body(self, recorded, reply, expected, began):
        """Assert the bytes, but for what the placeholders stand for."""
        if recorded.method != "HEAD":
            check_reply(reply.status, reply.header("Content-Type"), reply.body)
        template = substitute(expected.body, self.bindings)
        found = match(template, reply.body.decode(), self.bindings, whole=not recorded.cut)
        assert found is not None, f"{self.told}\n{reply.body.decode()}\nis not\n{template}"
        if "MESSAGE" in found:
            assert expected.names in found.pop("MESSAGE"), self.told
            found.pop("MORE_INFO")
        for name, text in found.items():
            if not name.startswith("SID"):
                check_is_now(text, began)
        self.bindings |= found

    def age_application(self):
        """Make the application of the setup an old one."""
        execute(
            self.database_url,
            "UPDATE restcomm_applications SET date_created = ?, date_updated = ? WHERE sid = ?",
            (LONG_AGO, LONG_AGO, self.bindings["SID1"]),
        )
        self.bindings["CREATED1"] = LONG_AGO_PRINTED


def tell(recorded, expected):
    """Say in a failing test's message which request it is and what was expected."""
    differences = "; ".join(f"{row.original} -> {row.here}" for row in expected.differences)
    return f"{recorded.method} {recorded.target[:200]}: expected {differences or 'as recorded'}"


def as_methods(allow):
    return {method.strip() for method in allow.split(",")}


def check_is_now(printed, began):
    """Assert that a printed date lies between the sending of the request and this moment."""
    date = datetime.strptime(printed, "%a, %d %b %Y %H:%M:%S %z")
    assert began <= date <= datetime.now(timezone.utc)


def as_parameter(exchange):
    """Give an exchange its name, and take out on MariaDB what its whole seconds cannot order."""
    ordered_within_a_second = exchange["name"] == "create: three in list order"
    marks = [pytest.mark.sqlite] if ordered_within_a_second else []
    return pytest.param(exchange, id=exchange["name"], marks=marks)


@pytest.mark.parametrize("exchange", [as_parameter(each) for each in EXCHANGES])
def test_replays_the_exchange(exchange, servers, rows, database_url):
    setup, main, then = read_exchange(exchange)
    replay = Replay(servers[main.cors], database_url)
    for recorded in setup:
        replay.perform(recorded, expect(recorded))
    if "{{SID1}}" in main.target:
        replay.age_application()
    expected = expect(main)
    before = rows()
    replay.perform(main, expected)
    if expected.status >= 400 or main.method in ("GET", "HEAD", "OPTIONS"):
        assert rows() == before, f"{replay.told}: it changed rows"
    for recorded in then:
        if expected.application is AS_RECORDED:
            replay.perform(recorded, expect(recorded))
        elif "{{SID" not in substitute(recorded.target, replay.bindings):
            replay.perform(recorded, expect_afterwards(recorded, expected.application))


def test_uses_every_difference():
    used = set()
    for exchange in EXCHANGES:
        setup, main, _ = read_exchange(exchange)
        for recorded in (*setup, main):
            used |= set(expect(recorded).differences)
    assert [row.original for row in TABLE if row not in used] == []


def test_names_the_contracts_words_for_what_the_originals_table_lacks():
    assert [row.original for row in TABLE if bool(row.source) == (row in ORIGINALS_TABLE)] == []


def test_gson_layout_is_the_originals():
    bodies = [
        each["response"]["body"]
        for each in EXCHANGES
        if each["response"]["headers"].get("Content-Type") == "application/json"
        and each["response"]["body"][:1] in ("{", "[")
        and not each["response"].get("body_truncated_here")
    ]
    assert len(bodies) > 100
    assert [body for body in bodies if gson_layout(json.loads(body)) != body] == []
