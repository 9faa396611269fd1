"""Bodies of requests: octets to texts. What the texts may be is for ``resources``."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from flask import Request, current_app
from gunicorn.http.errors import ParseException

from restcomm_apps.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType
from restcomm_apps.resources.applications.row_formats import CSV_TYPE, JSON_TYPES, decode
from restcomm_apps.store.pauses import Pace

FORM = "application/x-www-form-urlencoded"
MOST_PARAMETERS = 1000

_ROWS_RULE = f"The body must be {', '.join(JSON_TYPES)} or {CSV_TYPE}"
_CUT = "The body ended early or is not chunked as declared"
_UNQUOTED_AT_ONCE = 2**14
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "windows-1252": "windows-1252",
}


def require_form(request: Request) -> None:
    """Raise UnsupportedMediaType (415) unless the body is a form, declared or not."""
    if request.mimetype not in ("", FORM):
        raise UnsupportedMediaType()
    _codec_of(request)


def require_rows(request: Request) -> None:
    """Raise UnsupportedMediaType (415) unless the body is declared as rows."""
    if request.mimetype not in (*JSON_TYPES, CSV_TYPE):
        raise UnsupportedMediaType(_ROWS_RULE)
    _codec_of(request)


def read_form(request: Request) -> dict[str, str]:
    """Read the body into {name: text}; of a repeated name the first counts.

    Texts that are not UTF-8 are read as ISO-8859-1, which clients send undeclared. Raises
    MalformedRequest (400), BodyTooLarge (413).
    """
    codec = _codec_of(request)
    body = _read_octets(request)
    if body.count(b"&") >= MOST_PARAMETERS:
        raise MalformedRequest(f"The body must not hold more than {MOST_PARAMETERS} parameters")
    form: dict[str, str] = {}
    pace = Pace()
    for pair in body.split(b"&"):
        if _BROKEN_ESCAPE.search(pair):
            raise MalformedRequest("The body must hold two hex digits after each percent sign")
        name, _, text = pair.replace(b"+", b" ").partition(b"=")
        form.setdefault(_unquote(name, codec, pace), _unquote(text, codec, pace))
    return form


def read_text(request: Request) -> str:
    """Read the body as text. Raises MalformedRequest (400), BodyTooLarge (413)."""
    return decode(_read_octets(request), _codec_of(request))


def _codec_of(request: Request) -> str:
    """Return the codec of the body's declared charset. Raises UnsupportedMediaType (415)."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in _CODECS:
        raise UnsupportedMediaType("The charset must be UTF-8, ISO-8859-1 or Windows-1252")
    return _CODECS[charset]


def _read_octets(request: Request) -> bytes:
    limit: int = current_app.config["MAX_BODY_BYTES"]
    declared = request.content_length
    if declared is None and "wsgi.input_terminated" not in request.environ:
        return b""
    if declared is not None and declared > limit:
        raise BodyTooLarge(limit)
    try:
        stream = request.environ["wsgi.input"]
        body: bytes = stream.read(limit + 1 if declared is None else declared)
    except (OSError, ParseException) as error:
        raise MalformedRequest(_CUT) from error
    if len(body) > limit:
        raise BodyTooLarge(limit)
    # The server hands over what came before a client hung up.
    if declared is not None and len(body) < declared:
        raise MalformedRequest(_CUT)
    return body


def _unquote(quoted: bytes, codec: str, pace: Pace) -> str:
    octets = b"".join(_unquote_in_pieces(quoted, pace)) if b"%" in quoted else quoted
    try:
        return octets.decode(codec)
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")


def _unquote_in_pieces(quoted: bytes, pace: Pace) -> Iterator[bytes]:
    """Yield the octets that a text stands for in pieces: a megabyte of escapes takes 0.1 s."""
    start = 0
    while start < len(quoted):
        end = start + _UNQUOTED_AT_ONCE
        escape = quoted.rfind(b"%", end - 2, end)
        end = end if escape < 0 else escape
        yield unquote_to_bytes(quoted[start:end])
        pace.give_way()
        start = end
