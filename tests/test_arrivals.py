"""How much of a request has come: every kind of body, octet by octet, then through the service."""

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from restcomm_apps.arrivals import LONGEST_HEAD, Arrival

from .service import BASE
from .soak.load import wait_until

LARGEST_BODY = 1000
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

REQUESTS = {
    "no body": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an empty line before": b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "length": HEAD + b"Content-Length: 5\r\n\r\na=b&c",
    "length in capitals": HEAD + b"CONTENT-LENGTH:5 \r\n\r\na=b&c",
    "no length": HEAD + b"Content-Length: 0\r\n\r\n",
    "head within the body": HEAD + b"Content-Length: 8\r\n\r\nab\r\n\r\ncd",
    "the largest body": HEAD + b"Content-Length: 1000\r\n\r\n" + b"a" * 1000,
    "chunks": CHUNKED + b"5\r\na=b&c\r\n1;ext=1\r\nd\r\n0\r\n\r\n",
    "chunks and trailers": CHUNKED + b"A\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    "chunk that looks like an end": CHUNKED + b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
    "no chunks": CHUNKED + b"0\r\n\r\n",
}


@pytest.mark.parametrize("request_octets", REQUESTS.values(), ids=REQUESTS)
def test_request_is_complete_with_its_last_octet(request_octets):
    arrival = Arrival(LARGEST_BODY)
    for number in range(len(request_octets)):
        assert not arrival.is_complete, request_octets[:number]
        arrival.add(request_octets[number : number + 1])
    assert arrival.is_complete and not arrival.is_cut
    assert arrival.octets == request_octets


@pytest.mark.parametrize("request_octets", REQUESTS.values(), ids=REQUESTS)
def test_request_is_complete_at_once_with_another_behind_it(request_octets):
    arrival = Arrival(LARGEST_BODY)
    arrival.add(request_octets + b"GET /")
    assert arrival.is_complete and not arrival.is_cut


JUDGED_AT_ONCE = {
    "no request line": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another version": b"GET / HTTP/2.0\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "an endless line": b"GET /" + b"a" * 9000,
    "an endless head": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (LONGEST_HEAD // 6 + 1),
    "no length of a body": HEAD + b"Content-Length: five\r\n\r\n",
    "no size of a chunk": CHUNKED + b"five\r\n",
    "an endless size of a chunk": CHUNKED + b"0" * 9000,
}


@pytest.mark.parametrize("octets", JUDGED_AT_ONCE.values(), ids=JUDGED_AT_ONCE)
def test_what_cannot_become_a_request_is_handed_over(octets):
    arrival = Arrival(LARGEST_BODY)
    arrival.add(octets)
    assert arrival.is_complete


@pytest.mark.parametrize(
    "octets",
    [
        HEAD + b"Content-Length: 1001\r\n\r\n",
        HEAD + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
        CHUNKED + b"FFFFFFF\r\n" + b"a" * (2 * LARGEST_BODY + LONGEST_HEAD),
    ],
    ids=["length", "expectation", "chunks"],
)
def test_body_that_is_too_large_is_not_waited_for(octets):
    arrival = Arrival(LARGEST_BODY)
    arrival.add(octets)
    assert arrival.is_complete and arrival.is_cut and not arrival.expects_go_ahead


def test_expectation_is_kept_from_gunicorn():
    arrival = Arrival(LARGEST_BODY)
    arrival.add(HEAD + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n")
    assert arrival.expects_go_ahead and not arrival.is_complete
    arrival.add(b"a=b&c")
    assert arrival.is_complete
    assert arrival.octets == HEAD + b"Content-Length: 5\r\n\r\na=b&c"


# Through the service.


@pytest.fixture
def gunicorn(make_gunicorn):
    """A service of one thread."""
    return make_gunicorn(threads=1).start()


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


def connect(gunicorn):
    """Connect, so that each piece is sent by itself."""
    client = socket.create_connection(("127.0.0.1", gunicorn.port), 30)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def receive_all(client):
    """Give all that comes until the service closes."""
    return b"".join(iter(lambda: client.recv(4096), b""))


LOGOUT = f"GET {BASE}/Logout HTTP/1.1\r\nHost: x\r\n".encode()
LAST = LOGOUT + b"Connection: close\r\n\r\n"
FORM = f"POST {BASE}/Logout HTTP/1.1\r\nHost: x\r\n".encode()


def statuses(octets):
    """List the statuses of all replies."""
    return [int(part[:3]) for part in octets.split(b"HTTP/1.1 ")[1:]]


def test_service_answers_what_comes_octet_by_octet(exchange):
    octets = FORM + b"Content-Length: 5\r\n\r\na=b&c" + LAST
    assert statuses(exchange(*(bytes([octet]) for octet in octets))) == [405, 200]


def test_service_answers_what_comes_at_once_in_order(exchange):
    chunked = FORM + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    octets = (LOGOUT + b"\r\n") * 3 + chunked + FORM + b"Content-Length: 1\r\n\r\na" + LAST
    assert statuses(exchange(octets)) == [200, 200, 200, 405, 405, 200]


def test_service_answers_what_comes_while_it_is_at_work(exchange):
    requests = [LOGOUT + b"\r\n"] * 300
    assert statuses(exchange(*requests, LAST)) == [200] * 301


def test_service_tells_a_client_to_go_on_once(gunicorn):
    with connect(gunicorn) as client:
        client.sendall(
            FORM + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"a=b&c")
        assert statuses(receive_all(client)) == [405]


def test_service_takes_nothing_of_a_cut_body_for_a_request(exchange):
    head = FORM + b"Content-Length: 2000000\r\n\r\n"
    assert statuses(exchange(head + LAST)) == [405]
    assert statuses(exchange(FORM + b"Content-Length: 1000\r\n\r\n" + LAST, hangs_up=True)) == [405]


@pytest.mark.parametrize("octets", [JUDGED_AT_ONCE[name] for name in list(JUDGED_AT_ONCE)[:6]])
def test_service_refuses_what_is_no_request(exchange, octets):
    assert statuses(exchange(octets)) == [400]


def test_worker_with_fewer_connections_accepts_the_next(make_gunicorn):
    gunicorn = make_gunicorn(workers=2).start()
    gunicorn.request("GET", "/Logout")
    first, second = workers(gunicorn)
    with contextlib.ExitStack() as stack:

        def connect_some():
            for _ in range(20):
                client = stack.enter_context(connect(gunicorn))
                client.sendall(LOGOUT + b"\r\n")
                assert client.recv(4096).startswith(b"HTTP/1.1 200")

        os.kill(second, signal.SIGSTOP)
        connect_some()
        os.kill(second, signal.SIGCONT)
        connect_some()
        common = sockets(gunicorn.process.pid)
        assert len(sockets(second) - common) >= 16


def workers(gunicorn):
    """List the processes of both workers, once they are there."""
    parent = gunicorn.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children")
    wait_until(lambda: len(children.read_text().split()) == 2, "the workers")
    return [int(pid) for pid in children.read_text().split()]


def sockets(pid):
    """Name the sockets that a process has open."""
    links = map(os.readlink, Path(f"/proc/{pid}/fd").iterdir())
    return {link for link in links if link.startswith("socket:")}
