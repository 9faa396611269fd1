"""The loop of a gunicorn worker that never waits for a client.

gunicorn's own workers read requests and write replies in their few threads, so that as many clients
that send, or read, an octet a second stop the service. Here the loop that accepts connections also
gathers each request, without blocking, and has it answered once it has come whole; whoever answers
reads and writes memory, sends what the client takes at once, and leaves the rest to the loop; only
a reply of many megabytes has to be waited for, or memory would have to hold it all. TLS handshakes
and the wait for the end of a closed connection happen in the loop too.

A connection costs memory alone, so what is bounded is their number, their octets and their time.
Who answers is for ``worker`` to say.
"""

import errno
import selectors
import socket
import ssl
import time
from collections import deque
from functools import partial

from gunicorn import sock as gunicorn_sock
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from .connection import RECEIVED_AT_ONCE, SECONDS_TO_READ, WOULD_BLOCK, Connection
from .loads import Loads

# For a TLS handshake, and for the first octet on a new connection; gunicorn's setting keepalive is
# for later requests.
SECONDS_TO_BEGIN = 10
# For a whole request from its first octet on, and for a whole reply.
SECONDS_TO_SEND = 30
# For the client's end of a connection that is closed, so that it reads the reply to its end.
SECONDS_TO_CLOSE = 2
# Octets of unfinished requests in a process; beyond, the connection that holds most is closed.
MOST_UNFINISHED = 2**26

_SECONDS_BETWEEN_SWEEPS = 0.25
# That a worker with more connections than another leaves it to accept the next.
_HEAD_START = 0.002  # seconds
_GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientLoop(ThreadWorker):
    """A worker that waits for clients in its loop, and calls ``have_answered`` for each request.

    One thread at a time goes round it.
    """

    # The largest body that is waited for, in bytes; of a larger one only the head is read.
    largest_body = 2**20
    _loads = Loads()

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._tls = gunicorn_sock.ssl_context(self.cfg) if self.cfg.is_ssl else None
        # {connection: what is done when it is ready}, the longest wait first.
        self._waiting = {}
        # Whose reply has been sent to its end. The poller looks for them all the time, so that the
        # loop need not be woken for each; it takes them back when it has something else to do.
        self._answered = deque()
        self._next_sweep = 0

    def run(self):
        """Go round the loop until told to end."""
        # gunicorn looks up dozens of settings for each request, each through two methods.
        settings = {name: setting.get() for name, setting in self.cfg.settings.items()}
        vars(self.cfg).update(settings)
        super().run()

    def have_answered(self, connection):
        """Have a request answered that has come, and the connection handed back."""
        raise NotImplementedError

    def _count(self, number):
        self._nr_conns = number
        self._loads.tell(self.age, number if self.alive else None)

    nr_conns = property(lambda self: self._nr_conns, _count, doc="Its number of connections.")

    def retire(self):
        """Count no more among the workers; called where one has ended, however it did."""
        self._loads.tell(self.age, None)

    def hand_back(self, connection):
        """Take a connection back whose request has been answered; from any thread."""
        if connection.outgoing or not connection.goes_on:
            connection.deadline = time.monotonic() + SECONDS_TO_READ
            self.method_queue.defer(self._send, connection)
            return
        self._begin_next(connection)
        if connection.arrival.octets:
            self.method_queue.defer(self._proceed, connection)
            return
        # In this order, as _on_event does the same in the other: one of the two sees the other.
        self._answered.append(connection)
        if not connection.polled_for:
            self.method_queue.defer(self._take_back)

    def accept(self, listener):
        """Accept a connection; of too many the one that has waited longest makes room for it."""
        # Else the first worker awake takes all that come at once, and the others stay idle.
        if self.nr_conns > self._loads.least():
            time.sleep(_HEAD_START)
        try:
            client_socket, client = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        self._take_back()
        if self.nr_conns >= self.worker_connections and self._waiting:
            self._give_up(next(iter(self._waiting)), "made room for another")
        if self._tls is not None:
            client_socket.setblocking(False)
            try:
                client_socket = self._tls.wrap_socket(
                    client_socket, server_side=True, do_handshake_on_connect=False
                )
            except OSError as gone:
                self.log.debug("%s left before TLS began: %s", client, gone)
                client_socket.close()
                self.nr_conns -= 1
                return
        server = listener.getsockname()
        connection = Connection(self.cfg, client_socket, client, server, self.largest_body)
        connection.deadline = time.monotonic() + SECONDS_TO_BEGIN
        (self._receive if self._tls is None else self._shake_hands)(connection)

    def _shake_hands(self, connection):
        try:
            connection.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._wait(connection, selectors.EVENT_READ, self._shake_hands)
        except ssl.SSLWantWriteError:
            self._wait(connection, selectors.EVENT_WRITE, self._shake_hands)
        except OSError as error:
            if not isinstance(error, ssl.SSLError):
                return self._close(connection)
            self.handle_error(None, connection, connection.client, error)
            self._close_when_read(connection)
        else:
            connection.deadline = time.monotonic() + SECONDS_TO_BEGIN
            self._receive(connection)

    def _receive(self, connection):
        had_begun = bool(connection.arrival.octets)
        try:
            may_go_on = connection.receive()
        except OSError as gone:
            self.log.debug("%s left: %s", connection.client, gone)
            return self._close(connection)
        if not may_go_on:
            if not connection.arrival.octets:
                return self._close(connection)
            connection.arrival.cut()
        if connection.arrival.octets and not had_begun:
            connection.deadline = time.monotonic() + SECONDS_TO_SEND
        self._proceed(connection)

    def _proceed(self, connection):
        """Have a request answered that has come, or wait for more of it."""
        arrival = connection.arrival
        if arrival.is_complete:
            self._waiting.pop(connection, None)
            self.have_answered(connection)
            return
        self._wait(connection, selectors.EVENT_READ, self._receive)
        if arrival.expects_go_ahead:
            arrival.expects_go_ahead = False
            try:
                connection.socket.send(_GO_AHEAD)
            except OSError as gone:
                self.log.debug("%s cannot be told to go on: %s", connection.client, gone)
                self._close(connection)

    def _send(self, connection):
        """Send what a thread left, then turn to the next request or close."""
        try:
            if not connection.flush():
                return self._wait(connection, selectors.EVENT_WRITE, self._send)
        except OSError as gone:
            self.log.debug("%s did not wait for its answer: %s", connection.client, gone)
            return self._close(connection)
        if not connection.goes_on:
            return self._close_when_read(connection)
        self._begin_next(connection)
        self._proceed(connection)

    def _begin_next(self, connection):
        connection.begin_next()
        # A worker that ends waits a moment for what a client may be sending already.
        idle = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, STOP_KEEPALIVE_LINGER)
        seconds = SECONDS_TO_SEND if connection.arrival.octets else idle
        connection.deadline = time.monotonic() + seconds

    def _take_back(self):
        """Wait for the next request of those whose last one has been answered."""
        while self._answered:
            self._wait(self._answered.popleft(), selectors.EVENT_READ, self._receive)

    def _close_when_read(self, connection):
        """Close once the client has: octets that are not read would break off the reply."""
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return self._close(connection)
        connection.deadline = time.monotonic() + SECONDS_TO_CLOSE
        self._drain(connection)

    def _drain(self, connection):
        try:
            if connection.socket.recv(RECEIVED_AT_ONCE):
                return self._wait(connection, selectors.EVENT_READ, self._drain)
        except WOULD_BLOCK:
            return self._wait(connection, selectors.EVENT_READ, self._drain)
        except OSError as gone:
            self.log.debug("%s left: %s", connection.client, gone)
        self._close(connection)

    def _wait(self, connection, events, then):
        """Let the poller look for events of a connection, and do something then."""
        self._waiting[connection] = then
        if connection.polled_for == events:
            return
        change = self.poller.modify if connection.polled_for else self.poller.register
        change(connection.socket, events, partial(self._on_event, connection))
        connection.polled_for = events

    def _on_event(self, connection, _):
        self._take_back()
        if connection not in self._waiting:
            # It is closed since the poller saw it, or the thread that has it is still at work: what
            # comes meanwhile would be told again and again.
            self._stop_polling(connection)
            self._take_back()
        if connection in self._waiting:
            self._waiting[connection](connection)

    def _stop_polling(self, connection):
        if connection.polled_for:
            connection.polled_for = 0
            self.poller.unregister(connection.socket)

    def _close(self, connection):
        self._waiting.pop(connection, None)
        self._stop_polling(connection)
        connection.socket.close()
        self.nr_conns -= 1

    def _give_up(self, connection, why):
        if connection.arrival.octets or connection.outgoing:
            self.log.info("Gave up on %s: %s", connection.client, why)
        self._close(connection)

    def murder_pending(self):
        """Give up on those who take too long, and on the largest of what is too much in all."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SECONDS_BETWEEN_SWEEPS
        self._take_back()
        for connection in [each for each in self._waiting if each.deadline <= now]:
            self._give_up(connection, "it took too long")
        sizes = {each: len(each.arrival.octets) + len(each.outgoing) for each in self._waiting}
        excess = sum(sizes.values()) - MOST_UNFINISHED
        for connection in sorted(sizes, key=sizes.get, reverse=True):
            if excess <= 0:
                break
            excess -= sizes[connection]
            self._give_up(connection, "it held too much")

    def _cap_keepalive(self, deadline):
        """Wait until a moment at most for requests that have not begun."""
        self._take_back()
        for connection in self._waiting:
            if not connection.arrival.octets and not connection.outgoing:
                connection.deadline = min(connection.deadline, deadline)
