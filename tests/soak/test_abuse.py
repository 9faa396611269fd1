"""Clients that do not behave, and databases that do not either, beside clients that do: Health and
reading one application are answered all the while.
"""

import signal
import ssl
import time
from contextlib import ExitStack

import pytest

from ..support.abusers import (
    BODY,
    CHUNKED,
    CREDENTIALS,
    FORM,
    FORM_HEAD,
    HEAD,
    HELLO,
    ROWS,
    abuse,
    be_slow,
    create,
    create_in_bulk,
    hold_the_lock,
    insert_long_list,
    list_of,
    read_in_vain,
    send_over_and_over,
)
from ..support.clients import KeptAliveClient
from ..support.document import make_certificate
from ..support.latencies import HEALTH, READ, Probe, describe, measure, percentile
from ..support.mariadb import MariaServer
from ..support.rows import CHILD, SIBLING, STRANGER, TABLES
from ..support.scale import ABUSE_SECONDS, BULK_SECONDS, SLOW_CLIENTS
from ..support.service import BASE, Gunicorn, Service
from ..support.together import run_together

pytestmark = pytest.mark.soak

MOST_SECONDS = 0.25
BULK = 10_000


# What is sent at once, and what then an octet a second; b"" is for those who only wait.
SLOW = {
    "connects only": (b"", b""),
    "head": (b"", HEAD),
    "end of the head": (HEAD[:-40], HEAD[-40:]),
    "body": (FORM_HEAD + BODY, b"a" * 60),
    "chunked body": (FORM_HEAD + CHUNKED + b"\r\n1000\r\nFriendlyName=", b"a" * 60),
    "body it asks leave for": (FORM_HEAD + b"Expect: 100-continue\r\n" + BODY, b"a" * 60),
    "body that is too large": (FORM_HEAD + b"Content-Length: 5000000\r\n\r\n", b"a" * 60),
    "body that is not asked for": (
        f"POST {BASE}/Nothing HTTP/1.1\r\nHost: slow\r\nContent-Length: 90000\r\n\r\n".encode(),
        b"a" * 60,
    ),
    "never closes": (b"GET / HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n", b""),
}
# 2 MB on the wire.
OCTET_CHUNKS = CHUNKED + b"Connection: close\r\n\r\n" + b"1\r\na\r\n" * 350_000 + b"0\r\n\r\n"


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory):
    """A MariaDB of this module's own."""
    server = MariaServer(tmp_path_factory.mktemp("server"))
    yield server.start()
    server.stop()


@pytest.fixture
def sqlite_url(tmp_path):
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/abused.db"


@pytest.fixture(params=["sqlite", "mariadb"])
def either_url(request, sqlite_url):
    """The URL of a new database of each engine."""
    return sqlite_url if request.param == "sqlite" else new_database(request)


def new_database(request):
    """Make a database of the module's MariaDB anew; give its URL."""
    server = request.getfixturevalue("mariadb")
    server.execute("CREATE OR REPLACE DATABASE restcomm")
    return server.url()


@pytest.fixture
def serve(tmp_path):
    """A function that serves from a database, made with the rows of ``rows.TABLES``."""
    with ExitStack() as stack:

        def start(url, arguments=()):
            rows = Service(url)
            rows.insert(TABLES)
            rows.close()
            log = tmp_path / "gunicorn.log"
            gunicorn = Gunicorn(url, workers=2, threads=4, arguments=arguments, log=log)
            stack.callback(gunicorn.kill)
            return gunicorn.start()

        yield start


def check(gunicorn, title, context=None, seconds=ABUSE_SECONDS):
    """Assert that nobody waits long for Health or an application once all are connected."""
    beginning = time.monotonic()
    with KeptAliveClient(gunicorn.port, None, context) as client:
        assert client.request("GET", "/Logout")[0] == 200
    first = time.monotonic() - beginning
    took = measure(gunicorn.port, [HEALTH, READ], seconds, context)
    print(f"\n{title}: first answer after {1000 * first:.0f} ms; {describe(took)}")
    for name, times in took.items():
        assert percentile(times, 99) < MOST_SECONDS, name
    assert "Traceback" not in gunicorn.log.read_text()


def test_nobody_waits_where_all_behave(serve, sqlite_url):
    """Or the others would show what the machine is busy with."""
    check(serve(sqlite_url), "all behave")


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_delay_nobody(serve, sqlite_url, kind):
    gunicorn = serve(sqlite_url)
    with abuse(be_slow, gunicorn.port, [(SLOW_CLIENTS, *SLOW[kind], 0)]) as connected:
        check(gunicorn, f"{SLOW_CLIENTS} slow clients, {kind}")
    assert connected[0] > 0


def test_slow_readers_delay_nobody(serve, sqlite_url):
    gunicorn = serve(sqlite_url)
    insert_long_list(sqlite_url)
    with abuse(be_slow, gunicorn.port, [(100, HEAD, b"", 1024), (40, HEAD, b"", 0)]) as connected:
        check(gunicorn, f"100 read 1 kB/s of a list of {ROWS}, 40 none of it")
    assert connected[0] > 0


def test_stuck_handshakes_delay_nobody(serve, sqlite_url, tmp_path):
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=certificate)
    arguments = ("--certfile", str(certificate), "--keyfile", str(key))
    gunicorn = serve(sqlite_url, arguments)
    with abuse(be_slow, gunicorn.port, [(SLOW_CLIENTS, HELLO, b"a" * 60, 0)]) as connected:
        check(gunicorn, f"{SLOW_CLIENTS} stuck TLS handshakes", context)
    assert connected[0] > 0


def test_writers_that_wait_delay_no_reader(serve, sqlite_url):
    gunicorn = serve(sqlite_url)
    path = sqlite_url.removeprefix("sqlite:///")
    with abuse(hold_the_lock, path, 4), abuse(create, gunicorn.port, STRANGER, 10) as statuses:
        check(gunicorn, "a foreign lock of 4 s, 10 writers")
    assert set(statuses) == {200}


def test_bulk_delays_no_reader(serve, either_url):
    gunicorn = serve(either_url)
    with abuse(create_in_bulk, gunicorn.port, STRANGER, BULK) as seconds:
        check(gunicorn, f"{either_url[:6]}, bulks of {BULK} rows", seconds=BULK_SECONDS)
    assert seconds


def test_bulk_and_creates_of_its_tenant_delay_no_reader(serve, either_url):
    gunicorn = serve(either_url)
    with abuse(create_in_bulk, gunicorn.port, STRANGER, BULK) as seconds:
        with abuse(create, gunicorn.port, STRANGER, 5) as statuses:
            title = f"{either_url[:6]}, bulks of {BULK} rows and 5 creates of its tenant"
            check(gunicorn, title, seconds=BULK_SECONDS)
    assert seconds and set(statuses) == {200}


@pytest.mark.parametrize("credentials", ["", CREDENTIALS], ids=["anybody", "account"])
def test_chunks_of_an_octet_delay_nobody(serve, sqlite_url, credentials):
    gunicorn = serve(sqlite_url)
    octets = f"{FORM}{credentials}".encode() + OCTET_CHUNKS
    with abuse(send_over_and_over, gunicorn.port, 6, octets) as statuses:
        check(
            gunicorn, f"2 MB of chunks of an octet, {'with' if credentials else 'no'} credentials"
        )
    print(f"{len(statuses)} such requests: {sorted(set(statuses))}")
    # Whatever else they are told, or whether they are: nothing is made of it.
    assert "200" not in statuses


DEAR = {
    "escapes": (FORM_HEAD, b"FriendlyName=" + b"%41" * 340_000),
    "empty lines": (
        f"POST {BASE}{list_of(SIBLING)}/Bulk HTTP/1.1\r\nHost: dear\r\n{CREDENTIALS}"
        "Content-Type: application/jsonl\r\n".encode(),
        b"\n" * 1_000_000,
    ),
}


@pytest.mark.parametrize("kind", DEAR)
def test_bodies_that_are_dear_to_read_delay_nobody(serve, sqlite_url, kind):
    gunicorn = serve(sqlite_url)
    head, body = DEAR[kind]
    octets = head + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with abuse(send_over_and_over, gunicorn.port, 40, octets) as statuses:
        check(gunicorn, f"40 times a megabyte of {kind}")
    assert set(statuses) == {"400"}


def seconds_of_creates(port, account, seconds):
    """Let two clients create now and then for some seconds; list how long each took, sorted."""
    deadline = time.monotonic() + seconds

    def work(number):
        times = []
        with KeptAliveClient(port, account) as client:
            while time.monotonic() < deadline:
                beginning = time.monotonic()
                assert client.request("POST", list_of(account), {"FriendlyName": "Other"})[0] == 200
                times.append(time.monotonic() - beginning)
                time.sleep(0.02)
        return times

    return sorted(seconds for times in run_together(2, work) for seconds in times)


def test_bulk_of_another_tenant_is_waited_for_once_at_most(serve, either_url):
    """On SQLite as long as a bulk takes; on MariaDB not at all."""
    gunicorn = serve(either_url)
    with abuse(create_in_bulk, gunicorn.port, STRANGER, BULK) as bulks:
        with abuse(create, gunicorn.port, STRANGER, 5):
            times = seconds_of_creates(gunicorn.port, CHILD, ABUSE_SECONDS)
    is_sqlite = either_url.startswith("sqlite")
    print(
        f"\n{either_url[:6]}, another tenant's creates: {describe({'create': times})}; "
        f"bulks took {min(bulks):.1f} to {max(bulks):.1f} s"
    )
    if is_sqlite:
        assert times[-1] < max(bulks) + MOST_SECONDS
    else:
        assert percentile(times, 99) < MOST_SECONDS


LOGOUT = Probe("Logout", "/Logout", None, 200)
REFUSED = Probe("no credentials", list_of(CHILD), None, 401)
MOST_SECONDS_OF_HEALTH = 5


def test_hanging_server_holds_up_nothing_that_needs_it_not(serve, mariadb, request):
    gunicorn = serve(new_database(request) + "?connect_timeout=8&read_timeout=8")
    assert gunicorn.request("GET", "/Health")[0] == 200
    mariadb.send_signal(signal.SIGSTOP)
    try:
        with abuse(read_in_vain, gunicorn.port, CHILD, 16):
            took = measure(gunicorn.port, [LOGOUT, REFUSED], ABUSE_SECONDS)
            beginning = time.monotonic()
            assert gunicorn.request("GET", "/Health")[0] == 503
            health = time.monotonic() - beginning
    finally:
        mariadb.send_signal(signal.SIGCONT)
    print(f"\na MariaDB that hangs: {describe(took)}; Health after {health:.1f} s")
    for name, times in took.items():
        assert percentile(times, 99) < MOST_SECONDS, name
    assert health < MOST_SECONDS_OF_HEALTH
    assert gunicorn.request("GET", READ.path, CHILD)[0] == 200
