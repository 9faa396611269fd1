"""A client's connection as gunicorn reads and writes it: it takes turns, and it has an end.

gunicorn's worker reads a request and writes its reply in a greenlet for each connection. gevent's
own sockets try at once and give way only where that fails, so that a client whose next request is
there already is served alone, and they wait for ever. Here every read waits for the loop first,
long replies go out a piece a turn of the loop, and every wait has a deadline, which the worker
looks after (``give_up``). Where a request ends is for gunicorn's parser alone to say.
"""

import math
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

import gevent
import gevent.socket
from gunicorn.http.body import Body
from gunicorn.http.errors import LimitRequestHeaders

from restcomm_apps.store.pauses import ONE_TURN, wait_in_line

# For a TLS handshake, and for the first octet on a new connection; gunicorn's setting keepalive is
# for later requests.
SECONDS_TO_BEGIN = 10
# For a whole request from its first octet on.
SECONDS_TO_SEND = 30
# For a whole reply, and a second more for each so many octets of it that the client has taken.
SECONDS_TO_READ = 30
OCTETS_A_SECOND = 2**14
# For the client's end of a connection that is closed, so that it reads the reply to its end; and
# for what is left of a body that was not read, of which no more octets are.
SECONDS_TO_CLOSE = 2
MOST_DRAINED = 2**16
# Octets of a head, or of what frames the chunks of a body; beyond, the request is refused.
LONGEST_HEAD = 2**16
# Octets of replies that the system keeps for a client that does not read, beside those that it has
# taken; without a bound they grow to megabytes.
KEPT_BY_SYSTEM = 2**17
# Octets of a reply before the rest goes out a piece a turn.
LONG_REPLY = 2**17
# Octets of a request after which its reading waits in line: a body of chunks of an octet is dear.
LONG_REQUEST = 2**14

# Linux doubles what it is told, for its own book-keeping.
_KEPT_AT_MOST = 2 * KEPT_BY_SYSTEM
_RECEIVED_AT_ONCE = 2**16
_SENT_FROM = 2**14


class ClientSocket:
    """To gunicorn the client's socket, to the worker a connection that it looks after.

    ``address`` is the client's; ``hold`` is called with how many octets of requests more, or less,
    it has. ``deadline`` is the moment of the monotonic clock when it is given up, infinite while
    nothing of the client is waited for; ``since`` is when it was last connected or answered;
    ``is_idle`` says that no octet of a request has come, ``held`` how many octets of one have;
    ``is_over`` that no more are read, whatever comes.
    """

    def __init__(
        self,
        accepted: gevent.socket.socket,
        address: object,
        largest_body: int,
        hold: Callable[[int], None],
    ) -> None:
        self._socket = accepted
        self.address = address
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(accepted.fileno(), 1)
        self._hold = hold
        self.held = 0
        self._largest_request = 2 * largest_body + LONGEST_HEAD
        self._go_ahead = self._outgoing = b""
        self.is_over = self._has_left = self._is_closed = False
        self.await_request(SECONDS_TO_BEGIN)

    # For the worker.

    def shake_hands(self, context: ssl.SSLContext) -> None:
        """Begin TLS. Raises OSError."""
        self._socket = context.wrap_socket(
            self._socket, server_side=True, do_handshake_on_connect=False
        )
        self.is_idle = False
        self._socket.do_handshake()
        self.await_request(SECONDS_TO_BEGIN)

    def await_request(self, seconds: float) -> None:
        """Wait for the first octet of a request, so many seconds."""
        self.is_idle = self._is_in_head = True
        self.release()
        self._sent = 0
        self._most = LONGEST_HEAD
        self._read_by = math.inf
        self.since = time.monotonic()
        self.deadline = self.since + seconds

    def begin_answer(self) -> None:
        """Wait no more: the head of a request has been read.

        One that came behind another lets others go first: a client may send a thousand at once.
        """
        self.deadline = math.inf
        self._most = self._largest_request
        self._is_in_head = False
        if self.is_idle:
            self._begin_request()
            gevent.sleep(ONE_TURN)

    def drain(self, body: Body) -> None:
        """End a reply, and read what is left of the body of its request, if it is little.

        Of more the connection is over, as the client may send it for ever. Raises OSError and
        gunicorn's ParseException.
        """
        self._flush()
        self._most = self.held + MOST_DRAINED
        self._sent_by = time.monotonic() + SECONDS_TO_CLOSE
        while body.read(_RECEIVED_AT_ONCE):
            continue

    def give_up(self, lingers: bool = True) -> None:
        """Have its greenlet find that the client has ended, wherever it waits for it.

        With ``lingers`` an idle one still waits a moment for the client's own end.
        """
        self.deadline = math.inf
        if self.is_idle and lingers:
            # Only where it still waits: what has come by then is answered.
            self._hub.cancel_wait(self._readable, _GivenUp())
            return
        self._has_left = True
        with suppress(OSError):  # The client was faster.
            # Not the shutdown of gevent, which would raise in the greenlet.
            self._socket._sock.shutdown(socket.SHUT_RDWR)

    # For gunicorn.

    def setblocking(self, blocking: bool) -> None:
        """Stay as it is: its greenlet always waits."""

    def recv(self, size: int) -> bytes:
        """Return octets, none at the end. Raises OSError, LimitRequestHeaders."""
        if self.held >= self._most:
            if self._is_in_head:
                raise LimitRequestHeaders("limit request headers size")
            self.is_over = True
        if self.is_over:
            return b""
        if self.held > LONG_REQUEST:
            wait_in_line()
        if self._go_ahead:
            self._socket.sendall(self._go_ahead)
            self._go_ahead = b""
        octets = self._receive(size)
        if octets:
            self._begin_request()
            self.held += len(octets)
            self._hold(len(octets))
        else:
            self.is_over = True
        return octets

    def _receive(self, size: int) -> bytes:
        if not self.is_idle:
            self.deadline = self._sent_by
        try:
            # What TLS has read ahead makes no socket readable.
            if not isinstance(self._socket, ssl.SSLSocket) or not self._socket.pending():
                self._hub.wait(self._readable)
            octets = self._socket.recv(size)
        except _GivenUp:
            return b""
        finally:
            self.deadline = math.inf
        self._has_left |= not octets
        return octets

    def _begin_request(self) -> None:
        if self.is_idle:
            self.is_idle = False
            self._sent_by = time.monotonic() + SECONDS_TO_SEND

    def release(self) -> None:
        """Count as holding nothing."""
        self._hold(-self.held)
        self.held = 0

    def send(self, octets: bytes) -> None:
        """Keep the line that has the client send its body until that is read; see ``sendall``."""
        self._go_ahead = octets

    def sendall(self, octets: bytes) -> None:
        """Send octets of a reply, at the latest when it has ended. Raises OSError.

        gunicorn sends a reply's head and its body one after the other.
        """
        # A body that has not been asked for by now is refused unread.
        self._go_ahead = b""
        self._outgoing += octets
        if len(self._outgoing) >= _SENT_FROM:
            self._flush()

    def _flush(self) -> None:
        octets, self._outgoing = self._outgoing, b""
        for start in range(0, len(octets), LONG_REPLY):
            self._send_piece(octets[start : start + LONG_REPLY])

    def _send_piece(self, octets: bytes) -> None:
        if self._sent >= LONG_REPLY:
            wait_in_line()
        if self._read_by == math.inf:
            self._read_by = time.monotonic() + SECONDS_TO_READ
        self.deadline = self._read_by + max(self._sent - _KEPT_AT_MOST, 0) / OCTETS_A_SECOND
        self._socket.sendall(octets)
        self.deadline = math.inf
        self._sent += len(octets)

    def close(self) -> None:
        """Close once the client has: octets that are not read would break off the reply."""
        if self._is_closed:
            return
        self._is_closed = True
        self.is_idle = False
        self.release()
        with suppress(OSError):  # The client has left, which is what is waited for.
            self._flush()
            self._await_end()
        self._readable.close()
        self._socket.close()

    def _await_end(self) -> None:
        if self._has_left:
            return
        self.deadline = time.monotonic() + SECONDS_TO_CLOSE
        self._socket._sock.shutdown(socket.SHUT_WR)
        while True:
            self._hub.wait(self._readable)
            if not self._socket._sock.recv(_RECEIVED_AT_ONCE):
                return


class _GivenUp(Exception):
    """A client has sent no request in time."""
