"""Requests that wait, or whose clients do, and the others, which are answered meanwhile; and who
accepts the next connection.
"""

import contextlib
import http.client
import os
import signal
import socket

import pytest

from ..support.clients import KeptAliveClient
from ..support.databases import connect_directly
from ..support.long_lists import fill
from ..support.processes import open_files, wait_for_workers, worker_pids
from ..support.rows import CHILD, FULL
from ..support.service import BASE, authorization
from ..support.together import wait_until

pytestmark = pytest.mark.sqlite

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
LOGOUT = f"GET {BASE}/Logout HTTP/1.1\r\nHost: x\r\n\r\n".encode()
# Of a list that its client does not read, more than waits in memory and in sockets.
ROWS = 30_000


@pytest.fixture
def connection(database_url, service):
    """A connection of the test's own, beside the service's: a foreign writer."""
    service.close()
    connection = connect_directly(database_url)
    yield connection
    connection.close()


@pytest.fixture
def gunicorn(connection, make_gunicorn):
    """A service of one process and one thread."""
    return make_gunicorn(threads=1).start()


def read_some(gunicorn, name=FULL["friendly_name"]):
    """Read an application on new connections, time and again."""
    for _ in range(3):
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            for _ in range(10):
                status, application = client.request("GET", INSTANCE)
                assert (status, application["friendly_name"]) == (200, name)


def test_write_that_waits_delays_no_others(gunicorn, connection):
    connection.execute("BEGIN IMMEDIATE")
    with KeptAliveClient(gunicorn.port, CHILD) as writer:
        writer.send("PUT", INSTANCE, {"FriendlyName": "Patient"})
        wait_until(writer.is_taken, "the service to read")
        read_some(gunicorn)
        connection.execute("ROLLBACK")
        status, application = writer.receive()
        assert status == 200, application
        assert application["friendly_name"] == "Patient"
        read_some(gunicorn, "Patient")
        assert writer.request("PUT", INSTANCE, {"FriendlyName": "Again"})[0] == 200
        read_some(gunicorn, "Again")


def test_writes_that_wait_together_are_all_answered(gunicorn, connection):
    connection.execute("BEGIN IMMEDIATE")
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(KeptAliveClient(gunicorn.port, CHILD)) for _ in range(9)]
        for number, writer in enumerate(writers):
            writer.send("POST", LIST, {"FriendlyName": f"waiting-{number}"})
        wait_until(lambda: all(writer.is_taken() for writer in writers), "the service to read")
        connection.execute("ROLLBACK")
        for number, writer in enumerate(writers):
            status, application = writer.receive()
            assert (status, application["friendly_name"]) == (200, f"waiting-{number}")


def test_read_that_comes_with_a_write_does_not_wait_for_it(gunicorn, connection):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(KeptAliveClient(gunicorn.port, CHILD)) for _ in range(4)]
        writer, *readers = clients
        for client in clients:
            assert client.request("GET", INSTANCE)[0] == 200
        connection.execute("BEGIN IMMEDIATE")
        (pid,) = worker_pids(gunicorn)
        os.kill(pid, signal.SIGSTOP)
        readers[0].send("GET", INSTANCE)
        writer.send("PUT", INSTANCE, {"FriendlyName": "Patient"})
        for client in readers[1:]:
            client.send("GET", INSTANCE)
        os.kill(pid, signal.SIGCONT)
        for client in readers:
            assert client.receive()[0] == 200
        connection.execute("ROLLBACK")
        assert writer.receive()[0] == 200


def test_lists_that_nobody_reads_delay_no_others(gunicorn, database_url):
    fill(database_url, ROWS)
    with contextlib.ExitStack() as stack:
        lists = [stack.enter_context(unread_list(gunicorn)) for _ in range(9)]
        read_some(gunicorn)
        for client in lists:
            assert len(client.getresponse().read().splitlines()) > ROWS


@contextlib.contextmanager
def unread_list(gunicorn):
    """Ask for the long list, and read no more of it than its beginning."""
    client = http.client.HTTPConnection("127.0.0.1", gunicorn.port, timeout=30)
    with contextlib.closing(client):
        client.request("GET", BASE + LIST, headers=authorization(CHILD))
        client.sock.recv(1, socket.MSG_PEEK)
        yield client


def test_process_with_fewer_connections_accepts_the_next(make_gunicorn):
    gunicorn = make_gunicorn(workers=2).start()
    gunicorn.request("GET", "/Logout")
    wait_for_workers(gunicorn, 2)
    _, second = worker_pids(gunicorn)
    with contextlib.ExitStack() as stack:

        def connect_some():
            for _ in range(20):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", gunicorn.port)))
                client.sendall(LOGOUT)
                assert client.recv(4096).startswith(b"HTTP/1.1 200")

        os.kill(second, signal.SIGSTOP)
        connect_some()
        os.kill(second, signal.SIGCONT)
        connect_some()
        # Not all: on a busy machine its head start of two milliseconds may pass unused.
        assert len(sockets(second) - sockets(gunicorn.process.pid)) >= 13


def sockets(pid):
    """Name the sockets that a process has open."""
    return {name for name in open_files(pid) if name.startswith("socket:")}
