"""What replaying recorded requests needs: bytes out and in over a raw socket, placeholders in
recorded texts, the original's two layouts, and Restcomm's rows in a SQLite file.

Nothing here knows what a reply should be; ``differences`` and the tests do.
"""

import gzip
import json
import re
import socket
from contextlib import suppress
from typing import NamedTuple

TIMEOUT = 20  # seconds for each step of an exchange

# What stands for a placeholder until it is bound; {{SID1}} and {{SID2}} are both a SID.
_PLACEHOLDER = re.compile(r"\{\{([A-Z_]+)(\d*)\}\}")
_VALUES = {
    "SID": "AP[0-9a-f]{32}",
    "CREATED": r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
    "UPDATED": r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
    "MESSAGE": r"[^<>\n]+",
    "MORE_INFO": r"[^<>\n]+",
}


class Reply(NamedTuple):
    """A reply as it came: status, [(header name, value)], body bytes."""

    status: int
    headers: list
    body: bytes

    def header(self, name):
        """Give the value of a header that may occur once, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} is sent {len(values)} times"
        return values[0] if values else None


def request_bytes(method, target, headers, body, host):
    """Make a request's bytes, headers as they are listed.

    A Host (unless ``host`` is None) and the length of a body are added where the list has none.
    """
    names = {name.lower() for name, _ in headers}
    added = []
    if host is not None and "host" not in names:
        added.append(("Host", host))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        added.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in [*added, *headers]]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def send(port, octets):
    """Send a request's bytes on a connection of its own and read the one reply to it.

    A server may refuse a body before it has read it all; its reply is read all the same.
    """
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(octets)
        with connection.makefile("rb") as stream:
            reply = _read_reply(stream, has_body=not octets.startswith(b"HEAD "))
            with suppress(OSError):  # closed by the server already
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                rest = stream.read()
                assert rest == b"", f"{rest[:200]!r} follows the reply"
    return reply


def _read_reply(stream, has_body):
    status, headers = _read_head(stream)
    while status == 100:
        status, headers = _read_head(stream)
    reply = Reply(status, headers, b"")
    assert reply.header("Transfer-Encoding") is None
    if not has_body or status in (204, 304):
        return reply
    length = int(reply.header("Content-Length"))
    body = stream.read(length)
    assert len(body) == length, f"{len(body)} of {length} bytes came"
    if reply.header("Content-Encoding") == "gzip":
        body = gzip.decompress(body)  # As the client that accepted it does.
    return reply._replace(body=body)


def _read_head(stream):
    status_line = stream.readline().decode()
    assert re.fullmatch(r"HTTP/1\.1 \d{3} .*\r\n", status_line), f"{status_line!r} is no status"
    headers = []
    while (line := stream.readline()) != b"\r\n":
        assert line.endswith(b"\r\n"), "the head of the reply is cut"
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    return int(status_line.split()[1]), headers


def substitute(text, bindings):
    """Replace the placeholders that are bound."""
    return _PLACEHOLDER.sub(lambda match: bindings.get(match[1] + match[2], match[0]), text)


def match(template, text, bindings, whole=True):
    """Match a text with a template; give the placeholders it binds, or None where they differ.

    A placeholder that occurs twice must stand for the same text. ``whole=False``: the template
    is only the text's beginning.
    """
    pattern, seen, end = [], set(), 0
    for found in _PLACEHOLDER.finditer(template):
        name = found[1] + found[2]
        pattern.append(re.escape(template[end : found.start()]))
        if name in bindings:
            pattern.append(re.escape(bindings[name]))
        elif name in seen:
            pattern.append(f"(?P={name})")
        else:
            pattern.append(f"(?P<{name}>{_VALUES[found[1]]})")
            seen.add(name)
        end = found.end()
    pattern.append(re.escape(template[end:]))
    matched = (re.fullmatch if whole else re.match)("".join(pattern), text)
    return matched and matched.groupdict()


def gson_layout(tree):
    """Write JSON as the original did: two spaces a level, HTML-safe, other characters raw."""
    document = json.dumps(tree, indent=2, ensure_ascii=False)
    return re.sub("[<>&='\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", document)


def xml_layout(name, content, indent="  "):
    """Write XML as the original did; ``content`` is a text or [(name, content)]."""
    if isinstance(content, str):
        body = f"{indent}<{name}>{_escape(content)}</{name}>"
    elif not content:
        body = f"{indent}<{name}/>"
    else:
        children = "\n".join(xml_layout(*child, indent + "  ") for child in content)
        body = f"{indent}<{name}>\n{children}\n{indent}</{name}>"
    return body if indent != "  " else f"<RestcommResponse>\n{body}\n</RestcommResponse>"


def _escape(text):
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#xd;"}
    return re.sub("[&<>\"'\r]", lambda match: named[match[0]], text)


def ascii_only(document):
    r"""Write every character of a JSON document beyond ASCII as ``\uXXXX``."""
    return re.sub(r"[^\x00-\x7f]", lambda match: json.dumps(match[0])[1:-1], document)
