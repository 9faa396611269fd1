"""A service that records what its application sees (recorder.py), and clients that send octets cut
where they choose (Linux: sock_diag(7)).
"""

import errno
import json
import re
import socket
import struct
import time
from typing import NamedTuple

from .documentation import ROOT
from .recorder import NUMBER
from .rows import TABLES
from .service import Gunicorn, Service

_SECONDS = 20
_ESTABLISHED, _CLOSE_WAIT = 1, 8
_HEAD = re.compile(rb"HTTP/1\.\d (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


class Record(NamedTuple):
    """A request as the application saw it.

    ``asked`` is how many octets of the body it wanted, None for all; ``body`` what it got of them;
    ``port`` that of the client or proxy.
    """

    number: int
    port: int
    method: str
    target: str
    request_id: str | None
    passed_on: str | None
    asked: int | None
    body: bytes
    has_raised: bool


class Reply(NamedTuple):
    """A reply; the names of headers in lower case."""

    status: int
    headers: dict
    body: bytes

    @property
    def number(self):
        """The number of the Record of its request, None where no application made it."""
        return self.headers.get(NUMBER.lower()) and int(self.headers[NUMBER.lower()])


class RecordingService(Gunicorn):
    """A real service whose records ``take_records`` gives."""

    module = "tests.support.recorder"

    def __init__(self, database_url, folder, **settings):
        super().__init__(database_url, log=folder / "service.log", **settings)
        self.records = folder / "records"
        self.arguments.insert(0, str(self.records))
        self.environ["PYTHONPATH"] = str(ROOT)
        self.file = None

    def take_records(self):
        """Give the Records of all requests since the last call, in their order."""
        if self.file is None:
            # Kept open from one call to the next.
            self.file = self.records.open("rb")
        records = []
        for line in self.file.readlines():
            fields = json.loads(line)
            records.append(Record(**fields | {"body": fields["body"].encode("latin-1")}))
        return records

    def kill(self):
        """End it."""
        super().kill()
        if self.file is not None:
            self.file.close()


def start_recording(database_url, folder, **settings):
    """Start a RecordingService on an empty database, with the rows of ``rows.TABLES``."""
    rows = Service(database_url)
    rows.insert(TABLES)
    rows.close()
    service = RecordingService(database_url, folder, LOG_LEVEL="warning", **settings)
    return service.start()


def connect(port):
    """Connect to a port of this machine; what is sent leaves at once."""
    client = socket.create_connection(("127.0.0.1", port), _SECONDS)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def send_pieces(client, pieces):
    """Send pieces, each once the other end has read the former; tell whether it took all."""
    try:
        for piece in pieces:
            client.sendall(piece)
            wait_until_taken(client)
    except ConnectionError:
        return False
    return True


def exchange(port, pieces):
    """Send pieces on a connection of their own, then its end; give all octets of the answer."""
    with connect(port) as client:
        send_pieces(client, pieces)
        return end(client)


def end(client):
    """Tell that nothing more will be sent, and give all octets that come."""
    try:
        client.shutdown(socket.SHUT_WR)
    except OSError as error:
        assert error.errno == errno.ENOTCONN
    return receive(client)


def receive(client):
    """Give all octets that come."""
    answer = b""
    try:
        while octets := client.recv(65536):
            answer += octets
    except ConnectionError:
        return answer  # It was closed before all was read, which is for the other end to decide.
    return answer


def wait_until_taken(client):
    """Wait until the other end has read all that was sent, or is closed. Raises ConnectionError."""
    try:
        ours, theirs = client.getsockname(), client.getpeername()
    except OSError as error:
        raise ConnectionResetError(error.errno, "the connection is gone") from error
    deadline, pause = time.monotonic() + _SECONDS, 0.0001
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diagnosis:  # NETLINK_SOCK_DIAG
        # In this order: what has left our queue is in theirs until it is read.
        while _queues(diagnosis, ours, theirs)[1] or _queues(diagnosis, theirs, ours)[0]:
            assert time.monotonic() < deadline, "what was sent is not read"
            time.sleep(pause)
            pause = min(2 * pause, 0.01)


def _queues(diagnosis, local, remote):
    """Give the octets that one end of a connection has yet to read, and to have acknowledged."""
    ends = b"".join(socket.inet_aton(host) + bytes(12) for host, _ in (local, remote))
    ports = struct.pack("!HH", local[1], remote[1])
    asked = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
    asked += ports + ends + bytes(4) + b"\xff" * 8
    diagnosis.send(struct.pack("=IHHII", 16 + len(asked), 20, 1, 0, 0) + asked)
    answer = diagnosis.recv(8192)
    if struct.unpack_from("=H", answer, 4)[0] == 2:  # an error
        error = -struct.unpack_from("=i", answer, 16)[0]
        assert error == errno.ENOENT, f"sock_diag: {errno.errorcode[error]}"
        raise ConnectionResetError(error, "the connection is gone")
    if answer[17] not in (_ESTABLISHED, _CLOSE_WAIT):
        raise ConnectionResetError(errno.ECONNRESET, "the connection is ending")
    return struct.unpack_from("=II", answer, 16 + 4 + 48 + 4)


def split_replies(octets, methods=()):
    """Split what came into final Replies to requests of these methods, by default GET.

    Fails where something else stands between or after them.
    """
    replies, methods = [], iter(methods)
    while octets:
        head = _HEAD.match(octets)
        assert head, f"this is no reply: {octets[:200]!r}"
        octets = octets[head.end() :]
        status, headers = int(head[1]), _headers_of(head[2])
        if status < 200:
            continue
        body, octets = _split_body(next(methods, "GET"), status, headers, octets)
        replies.append(Reply(status, headers, body))
    return replies


def _headers_of(lines):
    pairs = [line.split(": ", 1) for line in lines.decode("latin-1").splitlines()]
    return {name.lower(): text for name, text in pairs}


def _split_body(method, status, headers, octets):
    if method == "HEAD" or status in (204, 304):
        return b"", octets
    if headers.get("transfer-encoding") == "chunked":
        return _split_chunks(octets)
    length = int(headers.get("content-length", len(octets)))
    assert len(octets) >= length, "the reply is cut off"
    return octets[:length], octets[length:]


def _split_chunks(octets):
    body = b""
    while True:
        line, _, octets = octets.partition(b"\r\n")
        size = int(line, 16)
        assert octets[size : size + 2] == b"\r\n", "the reply is cut off"
        body, octets = body + octets[:size], octets[size + 2 :]
        if not size:
            return body, octets
