"""Where a request ends: no body of one is ever taken for another request."""

import socket

import pytest

from ..support.service import BASE

# A body that would itself be a request, with another answer than that to the request around it.
HIDDEN = b"GET /restcomm/2012-04-24/Logout HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def gunicorn(make_gunicorn):
    """A service of one process."""
    return make_gunicorn().start()


def exchange(gunicorn, head, body):
    """Send a head, the body once that is answered or a moment later, and no more; read all."""
    with socket.create_connection(("127.0.0.1", gunicorn.port), 10) as client:
        client.sendall(head)
        client.settimeout(0.5)
        replies = b""
        try:
            replies = client.recv(65536)
        except TimeoutError:
            replies = b""  # The service waits for the body.
        client.settimeout(10)
        try:
            client.sendall(body)
            client.shutdown(socket.SHUT_WR)
            while octets := client.recv(65536):
                replies += octets
        except ConnectionError:
            return replies  # It has closed without reading the body, which is as good.
        return replies


@pytest.mark.parametrize("digits", [2, 18, 19, 30, 5000])
@pytest.mark.parametrize(
    "method, path", [("POST", "/Health"), ("GET", "/Logout"), ("POST", "/Accounts")]
)
def test_body_of_any_spelled_length_is_no_request(gunicorn, digits, method, path):
    length = str(len(HIDDEN)).rjust(digits, "0")
    head = f"{method} {BASE}{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    assert exchange(gunicorn, head.encode(), HIDDEN).count(b"HTTP/1.1 ") == 1


HEALTH = b"GET /restcomm/2012-04-24/Health HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "malformed",
    [
        HEALTH + b"Authorization Basic SECRET\r\n\r\n",
        HEALTH + b"Authorization : Basic SECRET\r\n\r\n",
        b"GET /restcomm/2012-04-24/Health?token=SECRET and more HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /restcomm/2012-04-24/Health HTTP/1.1 SECRET\r\nHost: a\r\n\r\n",
        b"SECRET(/restcomm HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /restcomm/2012-04-24/Health HTTP/1.1\r\nHost: a\r\nExpect: SECRET\r\n\r\n",
        b"GET /restcomm/2012-04-24/Health HTTP/1.1\r\nHost: a\r\nContent-Length: SECRET\r\n\r\n",
        b"GET /restcomm/2012-04-24/Health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: SECRET\r\n\r\n",
    ],
)
def test_nothing_of_a_malformed_request_is_logged(gunicorn, malformed):
    assert b"HTTP/1.1 4" in exchange(gunicorn, malformed, b"")
    log = gunicorn.log.read_text()
    assert "Malformed request from" in log
    assert "SECRET" not in log
