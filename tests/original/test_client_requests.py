"""Every request recorded from a real client, replayed in order: does it get what it needs?

``EXPECTED`` says so for each (client, operation, method), from the recording's own ``needs``; where
clients contradict each other the contract decides, and the row cites it.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from ..support.replay import request_bytes, send
from ..support.rows import load_data
from ..support.service import Gunicorn, check_reply
from ..support.tables import replace_rows

REQUESTS = load_data("client_requests.json")
ORIGIN = "http://testing.restcomm.com"
ACCOUNT = {
    "sid": "ACae6e420f425248d6a26948c17a9e2acf",
    "email_address": "administrator@company.com",
    "auth_token": "77f8c12cc7b8f8423e5c38b035249166",
    "status": "active",
    "role": "Administrator",
    "friendly_name": "Default Administrator Account",
    "type": "Full",
}
# An application with a number, for the list that asks for numbers.
WITH_NUMBER = "AP73926e7113fa4d95981aa96b76eca854"
UNKNOWN = "AP00000000000000000000000000000000"

# What a client demands beyond the defaults; all others run on the default settings.
SETTINGS = {
    "restcomm-sdk-node": {"DELETE_STATUS": "200"},
    "testsuite CorsRelaxTest (READ ONLY)": {"CORS_ORIGINS": ORIGIN},
}

APPLICATION_KEYS = [
    *("sid", "date_created", "date_updated", "friendly_name", "account_sid", "api_version"),
    *("voice_caller_id_lookup", "uri", "rcml_url", "kind"),
]


class Expected(NamedTuple):
    """A status and what the reply must be; ``contract`` is cited where it decides."""

    status: int
    check: Callable
    contract: str = ""


class Answered(NamedTuple):
    """A request and its reply; ``sid`` is the application its client has created last."""

    request: dict
    reply: Any
    sid: str | None

    def read_json(self):
        """Parse the reply's body; clients compare its media type."""
        assert self.reply.header("Content-Type") == "application/json"
        return json.loads(self.reply.body)


def check_application(application, sid, fields):
    """Assert one application: its keys and their types, dates that parse, exactly these fields."""
    assert list(application) == [key for key in APPLICATION_KEYS if key in application]
    assert re.fullmatch("[a-zA-Z0-9]{34}", application["sid"])
    assert application["sid"] == sid
    for key in ("date_created", "date_updated"):
        datetime.strptime(application[key], "%a, %d %b %Y %H:%M:%S %z")
    assert isinstance(application["voice_caller_id_lookup"], bool)
    shown = {key: application.get(key) for key in ("account_sid", "api_version", *fields)}
    assert shown == {"account_sid": ACCOUNT["sid"], "api_version": "2012-04-24", **fields}


def application(**fields):
    """A JSON object, not an array: the client's application with these fields."""

    def check(answered):
        check_application(answered.read_json(), answered.sid, fields)

    return check


def array(**fields):
    """A bare JSON array that holds the client's application with these fields, no numbers."""

    def check(answered):
        applications = answered.read_json()
        assert isinstance(applications, list)
        (own,) = [each for each in applications if each["sid"] == answered.sid]
        check_application(own, answered.sid, fields)
        assert not any("numbers" in each for each in applications)

    return check


def array_with_numbers(answered):
    """A bare JSON array with the numbers of those applications that have any."""
    applications = {each["sid"]: each for each in answered.read_json()}
    assert "numbers" not in applications[answered.sid]
    (number,) = applications[WITH_NUMBER]["numbers"]
    assert number["phone_number"] == "+1240"
    assert number["voice_application_sid"] == WITH_NUMBER


def account(answered):
    """The caller's account as one JSON object, with what clients log in by."""
    shown = answered.read_json()
    assert {key: shown[key] for key in ACCOUNT} == ACCOUNT


def sub_accounts(answered):
    """A bare JSON array of accounts, the caller not among them."""
    accounts = answered.read_json()
    assert isinstance(accounts, list)
    assert "primary@company.com" in [each["email_address"] for each in accounts]
    assert ACCOUNT["sid"] not in [each["sid"] for each in accounts]


def nothing(answered):
    """No body, so no media type either."""
    assert answered.reply.body == b""
    assert answered.reply.header("Content-Type") is None


def error(code, names=""):
    """A JSON object with a message, that holds ``names``, and a code."""

    def check(answered):
        told = answered.read_json()
        assert told["status"] == answered.reply.status
        assert told["code"] == code
        assert names in told["message"] and told["message"]

    return check


def not_authenticated(answered):
    """An error, and the challenge that a client waits for before it sends its credentials."""
    error(20003)(answered)
    assert answered.reply.header("WWW-Authenticate") == 'Basic realm="Restcomm realm"'


def preflight(answered):
    """Leave for the configured origin, and nothing else."""
    nothing(answered)
    assert answered.reply.header("Access-Control-Allow-Origin") == ORIGIN


RCML_URL = "http://mycompany.com/visual-designer/services/apps/foobar/controller"
DOCUMENTED = {"voice_caller_id_lookup": False, "rcml_url": RCML_URL, "kind": "voice"}
FIRST = {"friendly_name": "ApplicationFooBar", **DOCUMENTED}
RENAMED = {"friendly_name": "Application X", **DOCUMENTED}

PYTHON = "restcomm-sdk-python"
# Its misspelt RcmUrl is never stored.
PYTHON_FIELDS = {"voice_caller_id_lookup": False, "rcml_url": None, "kind": "voice"}

RUBY = "restcomm-ruby"
RUBY_FIELDS = {
    "voice_caller_id_lookup": True,
    "rcml_url": "http://example.com/rcml?a=1&b=2",
    "kind": "voice",
}

TOOL = "restcomm.testsuite RestcommApplicationsTool"
TOOLS_FIRST = {
    "friendly_name": "APPCreateGet",
    "voice_caller_id_lookup": True,
    "rcml_url": "/restcomm/rcmlurl/test",
    "kind": "voice",
}
TOOLS_SECOND = {
    "friendly_name": "APPUpdate2",
    "voice_caller_id_lookup": False,
    "rcml_url": "/restcomm/rcmlurl/test2",
    "kind": "voice",
}
TOOLS_THIRD = {
    "friendly_name": "APPUpdate23",
    "voice_caller_id_lookup": True,
    "rcml_url": "/restcomm/rcmlurl/test23",
    "kind": "voice",
}

NODE = "restcomm-sdk-node"
NODE_FIELDS = {
    "friendly_name": "NodeSDK App",
    "voice_caller_id_lookup": False,
    "rcml_url": None,
    "kind": "voice",
}


def documented_snippets(client):
    """The document's four examples are one in each language."""
    return {
        (client, "create", "POST"): Expected(
            200,
            application(**FIRST),
            "Success bodies: in JSON an object (the document's example of an array is a misprint)",
        ),
        (client, "update", "POST"): Expected(200, application(**RENAMED)),
        (client, "list", "GET"): Expected(200, array(**RENAMED)),
        (client, "delete", "DELETE"): Expected(204, nothing),
    }


EXPECTED = {
    **documented_snippets("doc-curl"),
    **documented_snippets("doc-node"),
    **documented_snippets("doc-python"),
    **documented_snippets("doc-java"),
    (PYTHON, "account.details", "GET"): Expected(200, account),
    (PYTHON, "subaccounts.list", "GET"): Expected(
        200,
        sub_accounts,
        # The recording repeats the need of account.details here, an object.
        "Resources: `{root}/{v}/Accounts`: the caller's direct sub-accounts",
    ),
    (PYTHON, "app.create", "POST"): Expected(
        200, application(friendly_name="PySDK App", **PYTHON_FIELDS)
    ),
    (PYTHON, "app.list", "GET"): Expected(200, array(friendly_name="PySDK App", **PYTHON_FIELDS)),
    (PYTHON, "app.update", "POST"): Expected(
        200, application(friendly_name="PySDK Renamed", **PYTHON_FIELDS)
    ),
    (PYTHON, "app.delete", "DELETE"): Expected(
        204,
        nothing,
        # It wants 200 with a JSON body and raises after the removal; the document wants 204.
        "Success bodies: remove answers 204 without a body, as the document says",
    ),
    (PYTHON, "app.list.badauth", "GET"): Expected(401, not_authenticated),
    (PYTHON, "app.update.missing", "POST"): Expected(404, error(20404)),
    (PYTHON, "app.create.badkind", "POST"): Expected(
        400,
        error(21402, "Kind"),
        # It maps 500 to a sentence of its own; with 400 it needs JSON.
        "Parameters: Kind: `voice`, `sms`, `ussd`, else 400",
    ),
    (RUBY, "account.fetch", "GET"): Expected(200, account),
    (RUBY, "accounts.list", "GET"): Expected(200, sub_accounts),
    (RUBY, "app.create", "POST"): Expected(
        200, application(friendly_name="Ruby App", **RUBY_FIELDS)
    ),
    (RUBY, "app.get(lazy)", "GET"): Expected(
        200, application(friendly_name="Ruby App", **RUBY_FIELDS)
    ),
    (RUBY, "app.list", "GET"): Expected(200, array(friendly_name="Ruby App", **RUBY_FIELDS)),
    (RUBY, "app.list(friendly_name filter)", "GET"): Expected(
        200, array(friendly_name="Ruby App", **RUBY_FIELDS)
    ),
    (RUBY, "app.update", "POST"): Expected(
        200, application(friendly_name="Ruby Renamed", **RUBY_FIELDS)
    ),
    (RUBY, "app.delete", "DELETE"): Expected(204, nothing),
    (RUBY, "app.get(deleted)", "GET"): Expected(404, error(20404)),
    (RUBY, "app.create.noname", "POST"): Expected(400, error(21401, "FriendlyName")),
    (TOOL, "create (email as username)", "POST"): Expected(200, application(**TOOLS_FIRST)),
    (TOOL, "get + field assertions", "GET"): Expected(200, application(**TOOLS_FIRST)),
    (TOOL, "list contains app", "GET"): Expected(200, array(**TOOLS_FIRST)),
    (TOOL, "list includeNumbers=true", "GET"): Expected(200, array_with_numbers),
    (TOOL, "update POST", "POST"): Expected(200, application(**TOOLS_SECOND)),
    (TOOL, "update POST", "GET"): Expected(200, application(**TOOLS_SECOND)),
    (TOOL, "update PUT", "PUT"): Expected(200, application(**TOOLS_THIRD)),
    (TOOL, "update PUT", "GET"): Expected(200, application(**TOOLS_THIRD)),
    (TOOL, "delete", "DELETE"): Expected(204, nothing),
    (TOOL, "delete", "GET"): Expected(
        404,
        error(20404),
        # Its need, a status below 300, is the removal's; the tool reads 300 and more as gone.
        "Who may do what: An application sid of the right form that nobody owns: 404",
    ),
    (NODE, "accounts.get(sid)", "GET"): Expected(200, account),
    (NODE, "accounts.get(email)", "GET"): Expected(200, account),
    (NODE, "accounts.all", "GET"): Expected(200, sub_accounts),
    (NODE, "makeRequest create", "POST"): Expected(200, application(**NODE_FIELDS)),
    (NODE, "makeRequest list", "GET"): Expected(200, array(**NODE_FIELDS)),
    (NODE, "makeRequest delete", "DELETE"): Expected(
        200,
        nothing,
        "Success bodies: the setting `DELETE_STATUS=200` answers 200 without a body",
    ),
    ("testsuite CorsRelaxTest (READ ONLY)", "preflight", "OPTIONS"): Expected(
        200,
        preflight,
        # It takes any beginning of the configured URL for an origin.
        "CORS: Origins in the setting `CORS_ORIGINS` get the headers […]; others get none",
    ),
}


def key_of(request):
    """What a request's row is found by; the tool checks each of its writes by a GET."""
    return request["client"], request["operation"], request["method"]


@pytest.fixture(scope="module")
def start_server(make_database_url):
    """A function that starts a server with settings on a database of its own."""
    started = []

    def start(**settings):
        database_url = make_database_url()
        server = Gunicorn(database_url, **settings)
        server.run("init-db")
        replace_rows(database_url, load_data("fixture.json"))
        started.append(server)
        return server.start()

    yield start
    for server in started:
        if server.process is not None:
            server.kill()


@pytest.fixture(scope="module")
def default_server(start_server):
    return start_server()


@pytest.fixture(scope="module")
def answers(start_server, default_server):
    """All requests replayed in their order, as a list of Answered."""
    servers = {client: start_server(**settings) for client, settings in SETTINGS.items()}
    created, substitutes, answers = {}, {}, []
    for request in REQUESTS:
        client = request["client"]
        server = servers.get(client, default_server)
        target = request["target"]
        # The recording lacks the replies: a sid that a client names was made for it just before.
        for sid in set(re.findall("AP[0-9a-f]{32}", target)) - {UNKNOWN}:
            target = target.replace(sid, substitutes.setdefault((client, sid), created[client]))
        reply = replay(server, request, target)
        if "create" in request["operation"] and reply.status == 200:
            created[client] = json.loads(reply.body)["sid"]
        answers.append(Answered(request, reply, created.get(client)))
    return answers


def replay(server, request, target):
    """Send a recorded request, headers and length as they were; check and give the reply."""
    octets = request_bytes(
        request["method"],
        target,
        request["headers"],
        request["body"].encode() or None,
        f"127.0.0.1:{server.port}",
    )
    reply = send(server.port, octets)
    check_reply(reply.status, reply.header("Content-Type"), reply.body)
    return reply


@pytest.mark.parametrize(
    "number", range(len(REQUESTS)), ids=[" ".join(key_of(request)) for request in REQUESTS]
)
def test_answers_what_the_client_needs(number, answers):
    answered = answers[number]
    expected = EXPECTED[key_of(answered.request)]
    assert answered.reply.status == expected.status, answered.request["needs"]
    expected.check(answered)


def test_has_a_row_for_every_request():
    assert EXPECTED.keys() == {key_of(request) for request in REQUESTS}


def test_preflight_of_an_origin_that_is_not_configured_gets_no_leave(default_server):
    (request,) = [each for each in REQUESTS if each["operation"] == "preflight"]
    reply = replay(default_server, request, request["target"])
    assert reply.status == 200
    assert [name for name, _ in reply.headers if name.startswith("Access-Control-")] == []
    assert reply.header("Allow") is not None
