"""Form bodies: bytes to texts, texts to validated values. The only place that knows how a form
field is spelled and what it may hold.
"""

import re
from urllib.parse import unquote_to_bytes

from gunicorn.http.errors import ParseException

from restcomm_apps.domain.uris import broken_rule
from restcomm_apps.domain.vocabulary import API_VERSION, KINDS
from restcomm_apps.errors import (
    BodyTooLarge,
    InvalidParameter,
    MalformedRequest,
    MissingParameter,
    UnsupportedMediaType,
)
from restcomm_apps.formats.escapes import IMPOSSIBLE_IN_XML
from restcomm_apps.store.pauses import Pace

FORM = "application/x-www-form-urlencoded"
FRIENDLY_NAME_LENGTH = 64
RCML_URL_LENGTH = 8000
MOST_PARAMETERS = 1000
_KIND_RULE = "be voice, sms or ussd"
STORABLE_RULE = "hold only characters that the database can store"

_UNQUOTED_AT_ONCE = 2**14
_CUT = "The body ended early or is not chunked as declared"
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "windows-1252": "windows-1252",
}


def check_media_type(request):
    """Raise UnsupportedMediaType (415) unless the body is a form, declared or not."""
    if request.mimetype not in ("", FORM):
        raise UnsupportedMediaType()
    codec_of(request)


def read_form(request):
    """Read the body into {name: text}; of a repeated name the first counts.

    Texts that are not UTF-8 are read as ISO-8859-1, which clients send undeclared. Raises
    MalformedRequest (400), BodyTooLarge (413).
    """
    codec = codec_of(request)
    body = read_body(request)
    if body.count(b"&") >= MOST_PARAMETERS:
        raise MalformedRequest(f"The body must not hold more than {MOST_PARAMETERS} parameters")
    form, pace = {}, Pace()
    for pair in body.split(b"&"):
        if _BROKEN_ESCAPE.search(pair):
            raise MalformedRequest("The body must hold two hex digits after each percent sign")
        name, _, text = pair.replace(b"+", b" ").partition(b"=")
        form.setdefault(_decode(name, codec, pace), _decode(text, codec, pace))
    return form


def codec_of(request):
    """Name the codec of the body's declared charset. Raises UnsupportedMediaType (415)."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in _CODECS:
        raise UnsupportedMediaType("The charset must be UTF-8, ISO-8859-1 or Windows-1252")
    return _CODECS[charset]


def read_body(request):
    """Read the body's octets. Raises MalformedRequest (400), BodyTooLarge (413)."""
    limit = request.max_content_length
    declared = request.content_length
    if declared is None and "wsgi.input_terminated" not in request.environ:
        return b""
    if declared is not None and declared > limit:
        raise BodyTooLarge(limit)
    try:
        body = request.environ["wsgi.input"].read(limit + 1 if declared is None else declared)
    except (OSError, ParseException) as error:
        raise MalformedRequest(_CUT) from error
    if len(body) > limit:
        raise BodyTooLarge(limit)
    # The server hands over what came before a client hung up.
    if declared is not None and len(body) < declared:
        raise MalformedRequest(_CUT)
    return body


def _decode(quoted, codec, pace):
    octets = b"".join(_unquote(quoted, pace))
    try:
        return octets.decode(codec)
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")


def _unquote(quoted, pace):
    """Yield the octets that a text stands for in pieces: a megabyte of escapes takes 0.1 s."""
    start = 0
    while start < len(quoted):
        end = start + _UNQUOTED_AT_ONCE
        escape = quoted.rfind(b"%", end - 2, end)
        end = end if escape < 0 else escape
        yield unquote_to_bytes(quoted[start:end])
        pace.give_way()
        start = end


def values_to_create(form):
    """Validate the parameters of a new application into its columns.

    Raises MissingParameter, InvalidParameter (400).
    """
    if "FriendlyName" not in form:
        raise MissingParameter("FriendlyName")
    if form.get("ApiVersion", API_VERSION) != API_VERSION:
        raise InvalidParameter("ApiVersion", f"be {API_VERSION}")
    if form.get("Kind") == "":
        raise InvalidParameter("Kind", _KIND_RULE)
    defaults = {
        "api_version": API_VERSION,
        "voice_caller_id_lookup": False,
        "rcml_url": None,
        "kind": None,
    }
    return defaults | values_to_update(form)


def values_to_update(form):
    """Validate the parameters that change an application into those of its columns they change.

    Parameters that are unknown or cannot change are ignored. Raises InvalidParameter (400).
    """
    values = {column: read(form[name], name) for name, column, read in _PARAMETERS if name in form}
    if form.keys() >= LOOKUPS and len({form[name].lower() for name in LOOKUPS}) > 1:
        raise InvalidParameter(
            "HasVoiceCallerIdLookup", "agree with VoiceCallerIdLookup when both are sent"
        )
    return values


def read_friendly_name(text, name):
    """Read a FriendlyName. Raises InvalidParameter (400)."""
    if not 1 <= len(text) <= FRIENDLY_NAME_LENGTH:
        raise InvalidParameter(name, f"have 1 to {FRIENDLY_NAME_LENGTH} characters")
    if IMPOSSIBLE_IN_XML.search(text):
        raise InvalidParameter(name, "not hold a character that XML 1.0 cannot carry")
    return text


def read_flag(text, name):
    """Read true or false, in any case, as a bool. Raises InvalidParameter (400)."""
    flag = {"true": True, "false": False}.get(text.lower())
    if flag is None:
        raise InvalidParameter(name, "be true or false")
    return flag


def _read_rcml_url(text, name):
    # Kept empty rather than null, as the original did: RcmlUrl then stays in the replies.
    if not text:
        return text
    if len(text) > RCML_URL_LENGTH:
        raise InvalidParameter(name, f"have at most {RCML_URL_LENGTH} characters")
    if rule := broken_rule(text):
        raise InvalidParameter(name, rule)
    return text


def _read_kind(text, name):
    kind = text.lower()
    if kind and kind not in KINDS:
        raise InvalidParameter(name, _KIND_RULE)
    return kind or None


# name, column, reader; the documentation spells the lookup both ways.
_PARAMETERS = (
    ("FriendlyName", "friendly_name", read_friendly_name),
    ("VoiceCallerIdLookup", "voice_caller_id_lookup", read_flag),
    ("HasVoiceCallerIdLookup", "voice_caller_id_lookup", read_flag),
    ("RcmlUrl", "rcml_url", _read_rcml_url),
    ("Kind", "kind", _read_kind),
)
LOOKUPS = {"VoiceCallerIdLookup", "HasVoiceCallerIdLookup"}
PARAMETERS = (*(name for name, _, _ in _PARAMETERS), "ApiVersion")


def parameter_of(column):
    """Name the parameter that a column's value came from, or the column where none did."""
    return next((name for name, known, _ in _PARAMETERS if known == column), column)
