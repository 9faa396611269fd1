"""gunicorn's gevent worker, made fair: how it accepts, what it gives up, how it ends.

A connection costs memory alone, so what is bounded is their number, their octets and their time.
How one is read and written is in ``client_socket``.
"""

import math
import socket
import ssl
import time
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from operator import attrgetter

import gevent
import gevent.socket
from gevent import monkey
from gunicorn import sock as gunicorn_sock
from gunicorn.http.errors import ExpectationFailed, ParseException
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

from restcomm_apps.errors import ExpectationNotMet, MalformedRequest, RestcommError
from restcomm_apps.web.replies import error_document
from restcomm_apps.web.target import choose_format, strip_suffixes

from .client_socket import KEPT_BY_SYSTEM, ClientSocket
from .loads import Loads

# Octets of unfinished requests in a process; beyond, the connection that holds most is closed.
MOST_UNFINISHED = 2**26
# For requests that clients may be sending when the worker ends.
SECONDS_TO_LINGER = 1

_SECONDS_BETWEEN_SWEEPS = 0.25
# That a worker with more connections than another leaves it to accept the next. The whole process
# waits: in the loop it would accept all that come at once.
_HEAD_START = 0.002  # seconds
# One a turn would keep those waiting that come while all others are busy.
_ACCEPTED_AT_ONCE = 8
_wait_blocking = monkey.get_original("time", "sleep")


class RestcommWorker(GeventWorker):
    """A worker in which no client, and no request, keeps another waiting; see the module."""

    _loads = Loads()

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        # The longest waiting first.
        self._clients: dict[ClientSocket, None] = {}
        # Octets of unfinished requests.
        self._held = 0
        self._tls: ssl.SSLContext | None = None

    def run(self) -> None:
        """Serve until a signal ends it."""
        # gunicorn looks up dozens of settings for each request, each through two methods.
        for name, setting in self.cfg.settings.items():
            self.cfg.__dict__[name] = setting.get()
        if self.cfg.is_ssl:
            self._tls = gunicorn_sock.ssl_context(self.cfg)
        listeners = [_Listener(listening) for listening in self.sockets]
        self._count(0)
        accepting = [gevent.spawn(self._accept_all, listener) for listener in listeners]
        while self.alive:
            self.notify()
            self._sweep()
            gevent.sleep(_SECONDS_BETWEEN_SWEEPS)
        gevent.killall(accepting)
        self._end(listeners)

    def retire(self) -> None:
        """Count no more among the workers; called where one has ended, however it did."""
        self._loads.set(self.age, None)

    def _end(self, listeners):
        """Answer all that has come, and what comes in a moment."""
        self.retire()
        for listener in listeners:
            # Else those that wait to be accepted would be reset.
            while self._accept(listener):
                continue
            listener.close()
        now = time.monotonic()
        ends = now + self.cfg.graceful_timeout
        while self._clients and now < ends:
            for client in self._clients:
                if client.is_idle:
                    client.deadline = min(client.deadline, now + SECONDS_TO_LINGER)
            self.notify()
            self._sweep()
            gevent.sleep(_SECONDS_BETWEEN_SWEEPS / 5)
            now = time.monotonic()

    # Accepting.

    def _accept_all(self, listener):
        while True:
            listener.wait()
            try:
                self._accept_some(listener)
            except OSError:
                self.log.exception("No connection can be accepted")
                self._make_room()
                gevent.sleep(_SECONDS_BETWEEN_SWEEPS)

    def _accept_some(self, listener):
        if len(self._clients) > self._loads.least():
            _wait_blocking(_HEAD_START)
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._accept(listener) or len(self._clients) > self._loads.least():
                return

    def _accept(self, listener):
        """Accept a connection; return whether there was one. Raises OSError."""
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        if len(self._clients) >= self.worker_connections:
            self._make_room()
        client = ClientSocket(accepted, address, self.wsgi.config["MAX_BODY_BYTES"], self._hold)
        self._clients[client] = None
        self._count(len(self._clients))
        gevent.spawn(self._serve, listener, client)
        return True

    def _serve(self, listener, client):
        try:
            if self._tls is not None:
                client.shake_hands(self._tls)
            self.handle(listener, client, client.address)
        except OSError as error:  # What fails later, gunicorn sees to.
            self.log.info("TLS with %s failed: %s", client.address, error)
        finally:
            client.close()
            del self._clients[client]
            self._count(len(self._clients))

    def _count(self, connections):
        self._loads.set(self.age, connections if self.alive else None)

    # Giving up.

    def _make_room(self):
        """Give up the connection that has been waited for longest, for a whole request."""
        waited_for = [client for client in self._clients if client.deadline < math.inf]
        if waited_for:
            longest = min(waited_for, key=attrgetter("since"))
            self._give_up(longest, "made room for another", lingers=False)

    def _sweep(self):
        """Give up what takes too long."""
        now = time.monotonic()
        for client in [client for client in self._clients if client.deadline <= now]:
            self._give_up(client, "it took too long")

    def _hold(self, octets):
        """Note octets of unfinished requests, and give up the largest of what is too much."""
        self._held += octets
        if self._held > MOST_UNFINISHED:
            largest = max(self._clients, key=attrgetter("held"))
            self._give_up(largest, "it held too much")
            largest.release()

    def _give_up(self, client, why, lingers=True):
        if client.held:
            self.log.info("Gave up on %s: %s", client.address, why)
        client.give_up(lingers)

    # Answering.

    def handle_request(
        self, listener_name: object, req: Request, sock: ClientSocket, addr: object
    ) -> bool:
        """Answer a request; return whether another may follow. Raises StopIteration if not."""
        sock.begin_answer()
        super().handle_request(listener_name, req, sock, addr)
        try:
            sock.drain(req.body)
        except ParseException as error:
            # Where the next request begins is unknown, and this one has been answered.
            raise StopIteration() from error
        if sock.is_over:
            raise StopIteration()
        sock.await_request(self.cfg.keepalive)
        return True

    def timeout_ctx(self) -> AbstractContextManager[None]:
        """Leave the time of requests to their connections."""
        return nullcontext()

    def handle_error(
        self, req: Request | None, client: ClientSocket, addr: object, exc: Exception
    ) -> None:
        """Answer 400 to what cannot be read, 500 to what failed outside the application."""
        error: RestcommError
        if isinstance(exc, ParseException):
            # Not in words: they may hold what the client sent.
            self.log.info("Malformed request from %s: %s", addr, type(exc).__name__)
            is_expectation = isinstance(exc, ExpectationFailed)
            error = ExpectationNotMet() if is_expectation else MalformedRequest()
        else:
            self.log.error("Request from %s failed", addr, exc_info=exc)
            error = RestcommError()
        try:
            client.sendall(self._reply(error, req or getattr(exc, "req", None)))
        except OSError as gone:
            self.log.debug("%s did not wait for its answer: %s", addr, gone)

    def _reply(self, error, req):
        with self.wsgi.app_context():
            media_type, body = error_document(error, _format_of(req))
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
            "Connection: close\r\nX-Content-Type-Options: nosniff\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _format_of(req):
    """Choose the format of a reply to a request that may have been read in part or not at all."""
    path = getattr(req, "path", None) or ""
    accept = dict(getattr(req, "headers", ())).get("ACCEPT", "")
    return choose_format(strip_suffixes(path)[1], accept)


class _Listener:
    """A listening socket whose name is known after it has been closed, too."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._name = listening.getsockname()
        # For all that are accepted.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BY_SYSTEM)
        self._readable = gevent.get_hub().loop.io(listening.fileno(), 1)
        listening.setblocking(False)

    def getsockname(self) -> object:
        """Return the address that it is, or was, bound to."""
        return self._name

    def wait(self) -> None:
        """Wait until a connection is there."""
        gevent.get_hub().wait(self._readable)

    def accept(self) -> tuple[gevent.socket.socket, object]:
        """Accept a connection, if there is one. Raises OSError."""
        return self._socket.accept()

    def close(self) -> None:
        """Accept no more."""
        self._readable.close()
        self._socket.close()
