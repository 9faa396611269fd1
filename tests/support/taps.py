"""A tap between a proxy and the service: passes on what comes, and keeps it for a look."""

import socket
import threading
from contextlib import suppress

from .recording import wait_until_taken
from .service import free_port


class Link:
    """One connection through a tap: the octets of its requests and of its replies so far."""

    def __init__(self, client, service):
        self.requests = bytearray()
        self.replies = bytearray()
        self.sockets = client, service
        self.threads = [
            threading.Thread(target=self._pass_on, args=(client, service, self.requests)),
            threading.Thread(target=self._pass_on, args=(service, client, self.replies)),
        ]
        for end in self.sockets:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _pass_on(source, sink, kept):
        with suppress(OSError):
            while octets := source.recv(65536):
                kept += octets
                sink.sendall(octets)
                # What comes apart stays apart.
                wait_until_taken(sink)
        for end, how in ((source, socket.SHUT_RD), (sink, socket.SHUT_WR)):
            with suppress(OSError):
                end.shutdown(how)

    def has_ended(self):
        """Tell whether both sides have."""
        return not any(thread.is_alive() for thread in self.threads)

    def close(self):
        """End it, if it has not ended."""
        for end in self.sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(30)
        for end in self.sockets:
            end.close()


class Tap:
    """A port whose connections go on to another port, each a Link."""

    def __init__(self, port):
        self.port = free_port()
        self.links = []
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.links.append(Link(client, socket.create_connection(("127.0.0.1", self._to))))

    def forget_ended(self):
        """Drop the links that have ended."""
        for link in [link for link in self.links if link.has_ended()]:
            link.close()
            self.links.remove(link)

    def close(self):
        """End all connections and accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._listener.close()
        for link in self.links:
            link.close()
