"""Clients that send an octet a second, or read none, while others are served without delay."""

import selectors
import socket
import statistics
import threading
import time
from contextlib import contextmanager

import pytest

from restcomm_apps.database import database

from ..document import make_certificate
from ..rows import CHILD, TABLES, application_row
from ..service import BASE, Service, authorization
from .load import SECONDS, SLOW_CLIENTS, KeptAliveClient, run_together, wait_until

pytestmark = pytest.mark.soak

LIST = f"/Accounts/{CHILD['sid']}/Applications"
CREDENTIALS = "".join(f"{name}: {value}\r\n" for name, value in authorization(CHILD).items())
HEAD = f"GET {BASE}{LIST}.json HTTP/1.1\r\nHost: slow\r\n{CREDENTIALS}\r\n".encode()
FORM_HEAD = f"POST {BASE}{LIST} HTTP/1.1\r\nHost: slow\r\n{CREDENTIALS}".encode()
BODY = b"Content-Length: 5000\r\n\r\nFriendlyName="
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n1000\r\nFriendlyName="
# The first octets of a TLS record that says hello.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

# What is sent at once, and what then an octet a second; b"" is for those who only wait.
ATTACKS = {
    "connects only": (b"", b""),
    "head": (b"", HEAD),
    "end of the head": (HEAD[:-40], HEAD[-40:]),
    "body": (FORM_HEAD + BODY, b"a" * 60),
    "chunked body": (FORM_HEAD + CHUNKS, b"a" * 60),
    "body it asks leave for": (FORM_HEAD + b"Expect: 100-continue\r\n" + BODY, b"a" * 60),
    "body that is too large": (FORM_HEAD + b"Content-Length: 5000000\r\n\r\n", b"a" * 60),
    "body that is not asked for": (
        f"POST {BASE}/Nothing HTTP/1.1\r\nHost: slow\r\nContent-Length: 90000\r\n\r\n".encode(),
        b"a" * 60,
    ),
    "never closes": (b"GET / HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n", b""),
    "never reads": (HEAD, b""),
}
MOST_SECONDS = 0.2


@pytest.fixture
def rows(database_url):
    """Rows with a list that is longer than what a connection holds unread."""
    service = Service(database_url)
    with database.atomic():
        service.insert(TABLES)
        service.insert(
            {"restcomm_applications": [application_row(n, CHILD) for n in range(100, 1100)]}
        )
    service.close()


class SlowClients:
    """Connections that send some octets at once and then one a second, until they are stopped."""

    def __init__(self, port, at_once, slowly):
        self.port, self.at_once, self.slowly = port, at_once, slowly
        self.connections = {}
        self.begun = 0
        self.stopped = threading.Event()

    def run(self):
        """Connect again whoever is closed; all connections are open when ``begun`` says so."""
        while not self.stopped.is_set():
            beginning = time.monotonic()
            for number in range(SLOW_CLIENTS):
                self._advance(number)
            self.begun = max(self.begun, len(self.connections))
            self.stopped.wait(max(0, 1 - (time.monotonic() - beginning)))
        for connection, _ in self.connections.values():
            connection.close()

    def _advance(self, number):
        if number not in self.connections:
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.settimeout(5)
            connection.connect(("127.0.0.1", self.port))
            connection.sendall(self.at_once)
            self.connections[number] = connection, 0
            return
        connection, sent = self.connections[number]
        try:
            if self.slowly:
                connection.send(self.slowly[sent : sent + 1] or b"a")
                self.connections[number] = connection, sent + 1
        except OSError:
            connection.close()
            del self.connections[number]


@contextmanager
def attack(port, at_once, slowly):
    """Let the slow clients work."""
    clients = SlowClients(port, at_once, slowly)
    thread = threading.Thread(target=clients.run)
    thread.start()
    try:
        wait_until(lambda: clients.begun == SLOW_CLIENTS, "the slow clients")
        yield
    finally:
        clients.stopped.set()
        thread.join(60)


def seconds_of_requests(port, seconds):
    """Let four clients read an application all the while; give how long each reply took, sorted."""
    deadline = time.monotonic() + seconds

    def read(number):
        taken = []
        while time.monotonic() < deadline:
            # A new connection each time, which has to be accepted among the slow ones.
            with KeptAliveClient(port, CHILD) as client:
                for _ in range(5):
                    began = time.monotonic()
                    assert client.request("GET", f"{LIST}/AP{1:032d}")[0] == 200
                    taken.append(time.monotonic() - began)
                    time.sleep(0.01)
        return taken

    return sorted(sum(run_together(4, read), []))


@pytest.mark.parametrize(("at_once", "slowly"), ATTACKS.values(), ids=ATTACKS)
def test_slow_clients_delay_nobody(make_gunicorn, rows, at_once, slowly):
    gunicorn = make_gunicorn(workers=2).start()
    with attack(gunicorn.port, at_once, slowly), KeptAliveClient(gunicorn.port, CHILD) as client:
        # What the slow clients may ask for at once, as anybody, is answered by then.
        assert client.request("GET", f"{LIST}/AP{1:032d}")[0] == 200
        taken = seconds_of_requests(gunicorn.port, SECONDS / 4)
    p99 = taken[len(taken) * 99 // 100]
    print(
        f"\n{SLOW_CLIENTS} slow clients: {len(taken)} requests, "
        f"median {statistics.median(taken):.4f} s, p99 {p99:.4f} s, longest {taken[-1]:.4f} s"
    )
    assert p99 < MOST_SECONDS
    assert "Traceback" not in gunicorn.log.read_text()


def test_slow_handshakes_delay_nobody(make_gunicorn, rows, tmp_path, monkeypatch):
    certificate, key = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    arguments = ["--certfile", str(certificate), "--keyfile", str(key)]
    gunicorn = make_gunicorn(workers=2, arguments=arguments).start()
    with attack(gunicorn.port, HELLO, b"a" * 60):
        for _ in range(50):
            began = time.monotonic()
            assert gunicorn.request("GET", "/Logout")[0] == 200
            assert time.monotonic() - began < 1


def test_slow_clients_are_given_up(make_gunicorn, rows):
    """The slowest makes room where there are too many; the others go when their time is up."""
    gunicorn = make_gunicorn(workers=1).start()
    with selectors.DefaultSelector() as selector:
        connections = [socket.create_connection(("127.0.0.1", gunicorn.port)) for _ in range(950)]
        for connection in connections:
            connection.sendall(b"GET ")
            selector.register(connection, selectors.EVENT_READ)
        assert gunicorn.request("GET", "/Logout")[0] == 200
        # An end of file on each.
        wait_until(lambda: len(selector.select(0)) == len(connections), "the service to close", 60)
    for connection in connections:
        connection.close()
    assert gunicorn.request("GET", "/Logout")[0] == 200
