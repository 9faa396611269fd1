"""Clients on kept-alive connections."""

import http.client
import json
import ssl
from pathlib import Path
from urllib.parse import urlencode

from .service import BASE, authorization, check_reply


class Unanswered(Exception):
    """The connection broke before the whole reply came.

    ``refused`` means that the request was never sent; ``fresh`` that the connection had served no
    request before; ``begun`` that a part of the reply had come; ``reset`` that the connection was
    broken off, not closed in good order.
    """

    def __init__(self, refused, fresh, begun, reset):
        super().__init__(f"refused: {refused}, fresh: {fresh}, begun: {begun}, reset: {reset}")
        self.refused, self.fresh, self.begun, self.reset = refused, fresh, begun, reset


class KeptAliveClient:
    """A client of one account that asks for JSON and keeps its connection as long as it may.

    Without an account it sends no credentials; with a ``context`` it speaks TLS.
    """

    def __init__(self, port, account, context=None):
        if context is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        else:
            self.connection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=60, context=context
            )
        self.headers = {"Accept": "application/json"} | (authorization(account) if account else {})

    def request(self, method, path, form=None):
        """Send a request below the API's base path; give its status and its parsed body or None.

        Raises Unanswered; a reply that does not come in a minute is a TimeoutError.
        """
        reply, fresh = None, self.connection.sock is None
        try:
            self.send(method, path, form)
            reply = self.connection.getresponse()
            octets = reply.read()
        except (ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
            self.connection.close()
            refused = isinstance(error, ConnectionRefusedError)
            # RemoteDisconnected is one, but for an end of file.
            reset = isinstance(error, ConnectionError) and not isinstance(
                error, (ConnectionRefusedError, http.client.RemoteDisconnected)
            )
            raise Unanswered(refused, fresh, reply is not None, reset) from error
        return self._check(reply, octets)

    def drop_ended(self):
        """Close a connection whose end has come since the last reply, as HTTP clients do; tell."""
        sock = self.connection.sock
        if sock is None:
            return False
        sock.setblocking(False)
        try:
            octets = sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            sock.settimeout(60)
            return False
        assert octets == b"", "something came that nobody asked for"
        self.connection.close()
        return True

    def send(self, method, path, form=None):
        """Send a request and leave its reply to ``receive``."""
        body = urlencode(form).encode() if form else None
        media_type = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        self.connection.request(method, BASE + path, body, self.headers | media_type)

    def receive(self):
        """Give the reply to what ``send`` sent."""
        reply = self.connection.getresponse()
        return self._check(reply, reply.read())

    def is_taken(self):
        """Tell whether the service has read what was sent, from the queues in /proc/net/tcp."""
        ours, theirs = self.connection.sock.getsockname(), self.connection.sock.getpeername()
        try:
            # In this order: what has left our queue is in theirs until it is read.
            return queued(ours, theirs)[0] == 0 and queued(theirs, ours)[1] == 0
        except LookupError:
            # The table is no snapshot: a line may be missing while others come and go.
            return False

    def close(self):
        """Close the connection."""
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @staticmethod
    def _check(reply, octets):
        check_reply(reply.status, reply.getheader("Content-Type"), octets)
        # Health and Logout answer OK in any format.
        return reply.status, json.loads(octets) if octets not in (b"", b"OK") else None


def queued(local, remote):
    """Give the bytes that the local end of a connection has yet to send and to read."""
    ends = [f"0100007F:{port:04X}" for _, port in (local, remote)]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[1:3] == ends:
            return [int(size, 16) for size in columns[4].split(":")]
    raise LookupError(f"no connection from {local} to {remote}")
