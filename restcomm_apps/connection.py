"""A client's connection with two sides: the worker's loop, which never waits for it, and whoever
answers, which gunicorn takes for a thread of its own and which reads and writes memory.
"""

import select
import ssl
import time

from gunicorn import http
from gunicorn.http.errors import LimitRequestHeaders

from .arrivals import Arrival

# Octets.
RECEIVED_AT_ONCE = 2**16
# Of a reply, before a part of it is sent while the rest is made, and before the rest waits.
_SENT_FROM = 2**14
_MOST_KEPT = 2**22
# For a whole reply; for each further part of one that is longer than what is kept of it.
SECONDS_TO_READ = 30
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """To gunicorn's thread both its connection and the socket: of what has come, for what is to go.

    ``socket`` is the real one and never blocks; ``deadline`` is the moment of the monotonic clock
    when the loop gives up waiting for the client; ``goes_on`` says that another request may follow;
    ``fell_short`` that gunicorn's parser wanted more of a request than was thought to be one;
    ``polled_for`` are the events that the loop's poller looks for, 0 for none.
    """

    # What gunicorn's thread would find out or bring about itself.
    initialized = True
    is_http2 = False

    def __init__(self, cfg, client_socket, client, server, largest_body):
        client_socket.setblocking(False)
        self.socket = client_socket
        self.sock = self
        self.client = client
        self.server = server
        self.deadline = 0
        self.goes_on = False
        self.fell_short = False
        self.polled_for = 0
        self.outgoing = bytearray()
        self.largest_body = largest_body
        self.arrival = Arrival(largest_body)
        self.parser = http.get_parser(cfg, self, client)

    # For gunicorn's thread.

    def init(self):
        """Do nothing: the loop has shaken hands."""

    def recv(self, size):
        """Give what has come of the request, at last nothing. Raises LimitRequestHeaders."""
        octets = bytes(self.arrival.octets[:size])
        del self.arrival.octets[:size]
        self.fell_short |= not octets
        if not octets and self.arrival.is_head_too_long:
            raise LimitRequestHeaders("limit request headers size")
        return octets

    def sendall(self, octets):
        """Keep octets for ``flush``; of a long reply send what the client takes. Raises OSError.

        Only a reply that is longer than what is kept of it makes its thread wait for a client.
        """
        self.outgoing += octets
        if len(self.outgoing) >= _SENT_FROM and not self.flush():
            self._wait_for_room()

    def _wait_for_room(self):
        deadline = time.monotonic() + SECONDS_TO_READ
        poller = select.poll()
        poller.register(self.socket, select.POLLOUT)
        while len(self.outgoing) > _MOST_KEPT:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise TimeoutError("the client does not read")
            poller.poll(1000 * seconds)
            self.flush()

    def setblocking(self, blocking):
        """Stay as it is."""

    def settimeout(self, seconds):
        """Stay as it is."""

    def gettimeout(self):
        """Say that it never blocks."""
        return 0.0

    def shutdown(self, how):
        """Do nothing: the loop shuts down what does not go on, and sends the rest before."""

    def close(self):
        """Do nothing: the loop closes what does not go on, as its poller may look for it."""

    # For the loop.

    def receive(self):
        """Take what has come; tell whether more may. Raises OSError."""
        while not self.arrival.is_complete:
            try:
                octets = self.socket.recv(RECEIVED_AT_ONCE)
            except WOULD_BLOCK:
                return True
            if not octets:
                return False
            self.arrival.add(octets)
            # What TLS has read ahead makes no socket readable.
            if not isinstance(self.socket, ssl.SSLSocket) or not self.socket.pending():
                return True
        return True

    def flush(self):
        """Send what can be sent now; tell whether that was all. Raises OSError."""
        while self.outgoing:
            try:
                sent = self.socket.send(self.outgoing)
            except WOULD_BLOCK:
                return False
            del self.outgoing[:sent]
        return True

    def begin_next(self):
        """Turn to the next request, with what came of it behind the last one."""
        octets = self.parser.unreader.take_buffered() + self.arrival.octets
        self.arrival = Arrival(self.largest_body)
        self.arrival.add(octets)
