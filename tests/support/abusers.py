"""Clients that do not behave, each kind in a process of its own, so that what is measured beside
them shares neither an interpreter nor its lock with them.

Each kind is a function ``kind(stop, begun, told, …)`` at the top of this module: it works until
``stop`` is set, sets ``begun`` once all are at work, and may put figures into ``told``.
"""

import multiprocessing
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager

from .clients import KeptAliveClient
from .databases import connect_directly
from .rows import SIBLING, application_row
from .service import BASE, authorization
from .together import run_together

SECONDS_TO_END = 90
_SPAWN = multiprocessing.get_context("spawn")


@contextmanager
def abuse(kind, *arguments):
    """Have a kind at work; gives a list that holds, afterwards, what it told."""
    figures = []
    stop, begun, told = _SPAWN.Event(), _SPAWN.Event(), _SPAWN.SimpleQueue()
    process = _SPAWN.Process(target=kind, args=(stop, begun, told, *arguments), daemon=True)
    process.start()
    # All the while: a pipe that is full would keep the abusers from going on, and from ending.
    collector = threading.Thread(target=lambda: figures.extend(iter(told.get, None)))
    collector.start()
    try:
        assert begun.wait(SECONDS_TO_END), "the abusers did not begin"
        yield figures
    finally:
        stop.set()
        process.join(SECONDS_TO_END)
        process.kill()
        told.put(None)
        collector.join()
    assert process.exitcode == 0, "the abusers failed; see their traceback"


class SlowClient:
    """A connection that sends some octets at once, then one a second, and reads some a second."""

    def __init__(self, port, at_once, slowly=b"", reads=0):
        self.port, self.at_once, self.slowly, self.reads = port, at_once, slowly, reads
        self.connection = None
        self.sent = 0

    def advance(self):
        """Do what is due this second; connect again where the service has closed."""
        try:
            if self.connection is None:
                self._connect()
            elif self.slowly:
                self.connection.send(self.slowly[self.sent : self.sent + 1] or b"a")
                self.sent += 1
            elif self.reads and not self.connection.recv(self.reads):
                self.close()
        except BlockingIOError:
            return  # Nothing to be read this second.
        except OSError:
            self.close()

    def close(self):
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _connect(self):
        self.connection, self.sent = socket.socket(), 0
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.connection.settimeout(5)
        self.connection.connect(("127.0.0.1", self.port))
        self.connection.setblocking(False)
        self.connection.send(self.at_once)


def be_slow(stop, begun, told, port, groups):
    """Be slow clients; ``groups`` are (how many, at_once, slowly, reads)."""
    clients = [SlowClient(port, *how) for count, *how in groups for _ in range(count)]
    while not stop.is_set():
        beginning = time.monotonic()
        for client in clients:
            client.advance()
        begun.set()
        stop.wait(max(0, 1 - (time.monotonic() - beginning)))
    told.put(sum(client.connection is not None for client in clients))
    for client in clients:
        client.close()


def send_over_and_over(stop, begun, told, port, connections, octets):
    """Send a request that ends its connection, on some connections at once; tells the statuses."""

    def send(number):
        while not stop.is_set():
            told.put(exchange(port, octets)[9:12].decode())
            stop.wait(0.05)

    begun.set()
    run_together(connections, send)


def exchange(port, octets):
    """Send octets; give what comes back until the service closes, early or not."""
    replies = b""
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        try:
            client.sendall(octets)
        except ConnectionError:
            replies = b""  # It need not read to the end what it refuses.
        try:
            while received := client.recv(65536):
                replies += received
        except ConnectionError:
            return replies
    return replies


def create(stop, begun, told, port, account, clients):
    """Create applications on some connections without a pause; tells the statuses."""

    def work(number):
        form = {"FriendlyName": f"Created {number}"}
        with KeptAliveClient(port, account) as client:
            while not stop.is_set():
                told.put(client.request("POST", list_of(account), form)[0])

    begun.set()
    run_together(clients, work)


def create_in_bulk(stop, begun, told, port, account, rows):
    """Send one bulk of creates after the other; tells the seconds that each took."""
    body = b"".join(b'{"FriendlyName": "Bulk %d", "Kind": "sms"}\n' % n for n in range(rows))
    begun.set()
    with KeptAliveClient(port, account) as client:
        headers = client.headers | {"Content-Type": "application/jsonl"}
        while not stop.is_set():
            beginning = time.monotonic()
            client.connection.request("POST", f"{BASE}{list_of(account)}/Bulk", body, headers)
            reply = client.connection.getresponse()
            reply.read()
            assert reply.status == 200
            told.put(time.monotonic() - beginning)


def list_of(account):
    """Give the path of an account's applications."""
    return f"/Accounts/{account['sid']}/Applications"


def hold_the_lock(stop, begun, told, path, seconds):
    """Hold a SQLite file's lock to write some seconds at a time; others get it for half a one."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    while not stop.is_set():
        connection.execute("BEGIN IMMEDIATE")
        begun.set()
        stop.wait(seconds)
        connection.execute("ROLLBACK")
        stop.wait(0.5)
    connection.close()


def read_in_vain(stop, begun, told, port, account, clients):
    """Read a list on some connections from a service whose database hangs; tells the statuses."""

    def work(number):
        with KeptAliveClient(port, account) as client:
            while not stop.is_set():
                told.put(client.request("GET", list_of(account))[0])

    begun.set()
    run_together(clients, work)


ROWS = 20_000


# The child's own list stays short: SIBLING's is the long one, STRANGER's the one that grows.
CREDENTIALS = "".join(f"{name}: {value}\r\n" for name, value in authorization(SIBLING).items())


HEAD = f"GET {BASE}{list_of(SIBLING)}.json HTTP/1.1\r\nHost: slow\r\n{CREDENTIALS}\r\n".encode()


FORM = f"POST {BASE}{list_of(SIBLING)} HTTP/1.1\r\nHost: slow\r\n"


FORM_HEAD = f"{FORM}{CREDENTIALS}".encode()


BODY = b"Content-Length: 5000\r\n\r\nFriendlyName="


CHUNKED = b"Transfer-Encoding: chunked\r\n"


# The first octets of a TLS record that says hello.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def insert_long_list(url):
    """Give SIBLING a list of ROWS."""
    connection = connect_directly(url)
    rows = [application_row(number, SIBLING) for number in range(1000, 1000 + ROWS)]
    values = ", ".join("?" * len(rows[0]))
    statement = f"INSERT INTO restcomm_applications ({', '.join(rows[0])}) VALUES ({values})"
    with connection:
        connection.executemany(statement, [tuple(row.values()) for row in rows])
    connection.close()
