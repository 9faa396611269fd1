"""What a client of ``serve`` sees of HTTP itself: where requests begin and end, what is answered
before a body has come, how connections go on and end. How long the service waits is in
``soak/test_limits.py``.
"""

import contextlib
import re
import socket

import pytest

from ..support.databases import connect_directly
from ..support.rows import CHILD, FULL, TABLES
from ..support.service import BASE, Gunicorn, Service, authorization, check_reply

LIST = f"{BASE}/Accounts/{CHILD['sid']}/Applications"
CREDENTIALS = "".join(f"{name}: {value}\r\n" for name, value in authorization(CHILD).items())
LOGOUT = f"GET {BASE}/Logout HTTP/1.1\r\nHost: x\r\n".encode()
LAST = LOGOUT + b"Connection: close\r\n\r\n"
FORM = f"POST {BASE}/Logout HTTP/1.1\r\nHost: x\r\n".encode()
CREATE = f"POST {LIST}.json HTTP/1.1\r\nHost: x\r\n{CREDENTIALS}".encode()
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module")
def url(make_database_url):
    """The URL of the module's database, with the rows of ``rows.TABLES``."""
    url = make_database_url()
    service = Service(url)
    service.insert(TABLES)
    service.close()
    return url


@pytest.fixture(scope="module")
def gunicorn(url, tmp_path_factory):
    """A service of one process, for all tests of the module."""
    gunicorn = Gunicorn(url, threads=1, log=tmp_path_factory.mktemp("log") / "gunicorn.log")
    yield gunicorn.start()
    gunicorn.kill()


@pytest.fixture
def exchange(gunicorn):
    """A function that sends octets, piece by piece; gives all that comes back."""

    def exchange(*pieces, hangs_up=False):
        with connect(gunicorn) as client:
            for piece in pieces:
                client.sendall(piece)
            if hangs_up:
                client.shutdown(socket.SHUT_WR)
            return receive_all(client)

    return exchange


@pytest.fixture
def stored(url):
    """A function that lists the names of the account's applications."""

    def read():
        with contextlib.closing(connect_directly(url)) as connection:
            query = "SELECT friendly_name FROM restcomm_applications WHERE account_sid = ?"
            return [name for (name,) in connection.execute(query, [CHILD["sid"]]).fetchall()]

    return read


def connect(gunicorn):
    """Connect, so that each piece is sent by itself."""
    client = socket.create_connection(("127.0.0.1", gunicorn.port), 30)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def receive_all(client):
    """Give all that comes until the service closes."""
    return b"".join(iter(lambda: client.recv(4096), b""))


def statuses(octets):
    """List the statuses of all replies."""
    return [int(part[:3]) for part in octets.split(b"HTTP/1.1 ")[1:]]


def check_refusal(octets, *allowed):
    """Assert one reply and no other, with the contract's body; give its status."""
    head, _, body = octets.partition(b"\r\n\r\n")
    (status,) = statuses(octets)
    assert status in allowed
    media_type = re.search(rb"(?im)^content-type: (.*?)\r?$", head)[1].decode()
    check_reply(status, media_type, body)
    return status


# One request after the other.


def test_requests_are_answered_that_come_octet_by_octet(exchange):
    octets = FORM + b"Content-Length: 5\r\n\r\na=b&c" + LAST
    assert statuses(exchange(*(bytes([octet]) for octet in octets))) == [405, 200]


def test_requests_are_answered_in_order_that_come_at_once(exchange):
    chunked = FORM + CHUNKED + b"1\r\na\r\n0\r\n\r\n"
    octets = (LOGOUT + b"\r\n") * 3 + chunked + FORM + b"Content-Length: 1\r\n\r\na" + LAST
    assert statuses(exchange(octets)) == [200, 200, 200, 405, 405, 200]


def test_requests_are_answered_that_come_while_others_are(exchange):
    assert statuses(exchange(*[LOGOUT + b"\r\n"] * 300, LAST)) == [200] * 301


def test_changes_are_made_in_the_order_in_which_they_are_sent(exchange, stored):
    path = f"{LIST}/{FULL['sid']}.json"
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\n{CREDENTIALS}".encode()
    updates = [head + b"Content-Length: 14\r\n\r\nFriendlyName=%d" % n for n in range(9)]
    reply = exchange(b"".join(updates) + LAST)
    assert statuses(reply) == [200] * 10
    names = [int(name) for name in re.findall(rb'"friendly_name": "(\d)"', reply)]
    assert names == list(range(9))
    assert "8" in stored()


@pytest.mark.parametrize("version, header", [("1.0", ""), ("1.1", "Connection: close\r\n")])
def test_connection_ends_after_the_last_request(exchange, version, header):
    octets = f"GET {BASE}/Logout HTTP/{version}\r\nHost: x\r\n{header}\r\n".encode()
    assert len(re.findall(rb"HTTP/1\.\d 200", exchange(octets + LAST))) == 1


def test_replies_come_after_the_clients_end(exchange):
    assert statuses(exchange(LOGOUT + b"\r\n" + LOGOUT + b"\r\n", hangs_up=True)) == [200, 200]


def test_connection_that_nobody_uses_is_closed(gunicorn):
    with connect(gunicorn) as client:
        client.sendall(LOGOUT + b"\r\n")
        assert statuses(receive_all(client)) == [200]


# Bodies.

BODIES = {
    "length": b"Content-Length: 14\r\n\r\nFriendlyName=A",
    "chunk": CHUNKED + b"e\r\nFriendlyName=A\r\n0\r\n\r\n",
    "chunks": CHUNKED + b"6\r\nFriend\r\n7\r\nlyName=\r\n1\r\nA\r\n0\r\n\r\n",
    "extension": CHUNKED + b"E;ext=1\r\nFriendlyName=A\r\n0\r\n\r\n",
    "trailers": CHUNKED + b"e\r\nFriendlyName=A\r\n0\r\nX-Sum: 5\r\n\r\n",
    "an end within": CHUNKED + b"13\r\nFriendlyName=A&\r\n0\r\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "octet by octet"])
def test_form_is_read_however_it_is_framed(exchange, stored, body, at_once):
    octets, before = CREATE + body + LAST, stored().count("A")
    reply = exchange(*([octets] if at_once else (bytes([octet]) for octet in octets)))
    assert statuses(reply) == [200, 200]
    assert stored().count("A") == before + 1


CUT = {
    "amid the length": b"Content-Length: 40\r\n\r\nFriendlyName=Cut",
    "amid a chunk": CHUNKED + b"28\r\nFriendlyName=Cut",
    "after a chunk": CHUNKED + b"10\r\nFriendlyName=Cut\r\n",
    "amid the size of a chunk": CHUNKED + b"10\r\nFriendlyName=Cut\r\n1",
    "amid the end": CHUNKED + b"10\r\nFriendlyName=Cut\r\n0\r\n",
}


@pytest.mark.parametrize("body", CUT.values(), ids=CUT)
def test_form_that_is_cut_off_is_refused_and_changes_nothing(exchange, stored, body):
    before = stored()
    check_refusal(exchange(CREATE + body, hangs_up=True), 400)
    assert stored() == before


@pytest.mark.parametrize(
    "framing, status",
    [
        (b"Content-Length: 2000000\r\n\r\n", 413),
        (b"Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", 413),
        (CHUNKED + b"ffffff\r\n" + b"a" * 2_200_000, 413),
    ],
    ids=["length", "expectation", "chunk"],
)
def test_body_that_is_too_large_is_refused_before_it_has_come(exchange, stored, framing, status):
    before = stored()
    reply = exchange(CREATE + framing)
    assert not reply.startswith(GO_AHEAD)
    check_refusal(reply, status)
    assert stored() == before


def test_nothing_of_a_body_is_taken_for_a_request(exchange):
    for framing, hangs_up in ((b"2000000", False), (b"1000", True)):
        octets = FORM + b"Content-Length: " + framing + b"\r\n\r\n" + LAST
        assert len(statuses(exchange(octets, hangs_up=hangs_up))) == 1


# Expectations.


def test_client_is_told_once_to_go_on(gunicorn, stored):
    with connect(gunicorn) as client:
        client.sendall(CREATE + CLOSE + b"Expect: 100-Continue\r\nContent-Length: 18\r\n\r\n")
        assert client.recv(4096) == GO_AHEAD
        client.sendall(b"FriendlyName=")
        client.sendall(b"Asked")
        assert statuses(receive_all(client)) == [200]
    assert "Asked" in stored()


def test_client_that_does_not_wait_to_be_told_is_served_as_well(exchange, stored):
    head = CREATE + CLOSE + b"Expect: 100-continue\r\nContent-Length: 18\r\n\r\n"
    reply = exchange(head + b"FriendlyName=Hasty")
    assert statuses(reply.removeprefix(GO_AHEAD)) == [200]
    assert "Hasty" in stored()


def test_client_without_credentials_is_told_so(exchange):
    """Before its body or after, but told."""
    head = f"POST {LIST} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n".encode()
    reply = exchange(head + CLOSE + b"Content-Length: 14\r\n\r\n", b"FriendlyName=A")
    assert statuses(reply.removeprefix(GO_AHEAD)) == [401]


@pytest.mark.parametrize("expectation", [b"200-ok", b"100-continue, more", b"x"])
def test_expectation_that_cannot_be_met_is_refused(exchange, stored, expectation):
    head = CREATE + b"Expect: " + expectation + b"\r\nContent-Length: 18\r\n\r\n"
    check_refusal(exchange(head + b"FriendlyName=Vain.", hangs_up=True), 417)
    assert "Vain." not in stored()


# What is no request, or too long for one.

NO_REQUESTS = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "another version": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "no colon": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    "no length of a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "no size of a chunk": CREATE + CHUNKED + b"five\r\n",
    "endless size of a chunk": CREATE + CHUNKED + b"0" * 9000 + b"\r\n",
    "unknown coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: odd, chunked\r\n\r\n",
}


@pytest.mark.parametrize("octets", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_is_no_request_is_refused(gunicorn, exchange, octets):
    check_refusal(exchange(octets + LAST, hangs_up=True), 400, 501)
    assert gunicorn.request("GET", "/Logout")[0] == 200


@pytest.mark.parametrize("length, status", [(8190, 401), (8191, 400)])
def test_request_line_is_bounded(exchange, length, status):
    line = b"GET /".ljust(length - len(" HTTP/1.1"), b"a") + b" HTTP/1.1\r\n"
    reply = exchange(line + b"Host: x\r\n" + CLOSE + b"\r\n")
    assert check_refusal(reply, status) == status


ENDLESS = {
    "a request line": b"GET /" + b"a" * 70_000,
    "a header": b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000,
    "headers": b"GET / HTTP/1.1\r\n" + b"X: yyyyyyyyyy\r\n" * 5000,
    "a size of a chunk": CREATE + CHUNKED + b"0" * 70_000,
    "an extension of a chunk": CREATE + CHUNKED + b"1;" + b"a" * 70_000,
    # To gunicorn as long as a hundred headers of 8 KiB.
    "trailers": CREATE + CHUNKED + b"0\r\n" + b"X: yyyyyyyyyy\r\n" * 60_000,
}


@pytest.mark.parametrize("octets", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_refused(exchange, octets):
    """Without waiting for more, and without an end of the client's."""
    check_refusal(exchange(octets), 400, 431)
