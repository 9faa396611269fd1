"""Form parameters: what each value of each parameter makes of an application, or how it is refused.

TABLE is the place to look up an answer. Below it stand the rules that concern a whole body: its
media type, charset, length and end. Paths and credentials are always right here.
"""

import http.client
import itertools
import json
import socket
from contextlib import suppress
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import quote

import pytest
from lxml import etree

from restcomm_apps.store.models import Application

from ..support.rows import CHILD, DATE, TABLES, application_row
from ..support.service import BASE, Gunicorn, Service, authorization, check_reply

LIST = f"/Accounts/{CHILD['sid']}/Applications"
FORM = "application/x-www-form-urlencoded"
MEBIBYTE = 2**20
GUNICORNS_LIMIT = 1024

both_formats = pytest.mark.parametrize("suffix", ["xml", "json"])
both_writes = pytest.mark.parametrize("write", ["create", "update"])


# What a value comes to: a value of the application, one of these two, or a Refusal.
SAME = object()  # the text that was sent
KEPT = object()  # what the application had before


class Refusal(NamedTuple):
    """The three things an error tells."""

    status: int
    code: int
    message: str


def invalid(message):
    """A parameter's value breaks its rule."""
    return Refusal(400, 21402, message)


class Repeated(tuple):
    """Several values of one parameter, in the order in which they are sent."""


MISSING = Repeated()

NAME_MISSING = Refusal(400, 21401, "FriendlyName is required")
NAME_LENGTH = invalid("FriendlyName must have 1 to 64 characters")
NAME_CHARACTER = invalid("FriendlyName must not hold a character that XML 1.0 cannot carry")
LOOKUP = invalid("VoiceCallerIdLookup must be true or false")
HAS_LOOKUP = invalid("HasVoiceCallerIdLookup must be true or false")
LOOKUPS_DIFFER = invalid(
    "HasVoiceCallerIdLookup must agree with VoiceCallerIdLookup when both are sent"
)
URL = invalid("RcmlUrl must be an http or https URL, or a reference starting with /")
URL_LENGTH = invalid("RcmlUrl must have at most 8000 characters")
PORT = invalid("RcmlUrl must have a port from 1 to 65535, if any")
KIND = invalid("Kind must be voice, sms or ussd")
VERSION = invalid("ApiVersion must be 2012-04-24")
CHARSET = Refusal(415, 20415, "The charset must be UTF-8, ISO-8859-1 or Windows-1252")
MEDIA_TYPE = Refusal(415, 20415, "The body must be application/x-www-form-urlencoded")
ESCAPE = Refusal(400, 20400, "The body must hold two hex digits after each percent sign")
TOO_LARGE = Refusal(413, 20413, f"The body must not exceed {MEBIBYTE} bytes")
TOO_LARGE_FOR_GUNICORN = Refusal(413, 20413, f"The body must not exceed {GUNICORNS_LIMIT} bytes")
CUT = Refusal(400, 20400, "The body ended early or is not chunked as declared")

PARAMETERS = {
    "FriendlyName": "friendly_name",
    "VoiceCallerIdLookup": "voice_caller_id_lookup",
    "HasVoiceCallerIdLookup": "voice_caller_id_lookup",
    "RcmlUrl": "rcml_url",
    "Kind": "kind",
    "ApiVersion": "api_version",
}
# Every parameter has a row for each of these.
SITUATIONS = (
    "missing",
    "empty",
    "too long by one",
    "wrong type",
    "wrong encoding",
    "control character",
    "markup",
    "4-byte character",
    "twice, the first right",
    "twice, the first wrong",
)


def lookup_rows(name, refused):
    """The two spellings of the lookup have the same rows."""
    return [
        (name, "missing", MISSING, False, KEPT),
        (name, "empty", "", refused, refused),
        (name, "true", "true", True, True),
        (name, "false", "false", False, False),
        (name, "upper case", "TRUE", True, True),
        (name, "mixed case", "fAlSe", False, False),
        (name, "too long by one", "truee", refused, refused),
        (name, "space after", "true ", refused, refused),
        (name, "wrong type", "1", refused, refused),
        (name, "yes", "yes", refused, refused),
        (name, "null", "null", refused, refused),
        (name, "wrong encoding", b"tru\xe9", refused, refused),
        (name, "control character", "true\0", refused, refused),
        (name, "markup", "<&\"'>", refused, refused),
        (name, "4-byte character", "\U0001f600", refused, refused),
        (name, "twice, the first right", Repeated(["true", "no"]), True, True),
        (name, "twice, the first wrong", Repeated(["no", "true"]), refused, refused),
    ]


def illegal(character, place):
    """A character of a RcmlUrl that no URL can hold, and the place where it stands, from 1."""
    code = f"U+{ord(character):04X}"
    shown = f'"{character}" ({code})' if character.isprintable() else code
    escaped = quote(character)
    return invalid(
        f"RcmlUrl must not hold {shown} at character {place}; a URL has {escaped} for it"
    )


PERCENT = invalid('RcmlUrl must have two hex digits after "%" at character 22')


def twice(refusal):
    """What is refused on create and on update."""
    return refusal, refusal


TABLE = [
    # parameter, situation, sent as, on create, on update
    ("FriendlyName", "missing", MISSING, NAME_MISSING, KEPT),
    ("FriendlyName", "empty", "", NAME_LENGTH, NAME_LENGTH),
    ("FriendlyName", "one character", "x", SAME, SAME),
    ("FriendlyName", "64 characters", "x" * 64, SAME, SAME),
    ("FriendlyName", "too long by one", "x" * 65, NAME_LENGTH, NAME_LENGTH),
    ("FriendlyName", "65 characters, one a space", "x" * 64 + " ", NAME_LENGTH, NAME_LENGTH),
    ("FriendlyName", "64 characters of 2 bytes", "é" * 64, SAME, SAME),
    ("FriendlyName", "65 characters of 2 bytes", "é" * 65, NAME_LENGTH, NAME_LENGTH),
    ("FriendlyName", "4-byte character", "\U0001f600", SAME, SAME),
    ("FriendlyName", "64 characters of 4 bytes", "\U0001f600" * 64, SAME, SAME),
    ("FriendlyName", "65 characters of 4 bytes", "\U0001f600" * 65, NAME_LENGTH, NAME_LENGTH),
    # Any text is a name: there is no wrong type.
    ("FriendlyName", "wrong type", "42", SAME, SAME),
    ("FriendlyName", "only a space", " ", SAME, SAME),
    ("FriendlyName", "spaces around", "  x  ", SAME, SAME),
    ("FriendlyName", "wrong encoding", b"caf\xe9", "café", "café"),
    ("FriendlyName", "surrogate in UTF-8", b"\xed\xa0\x80", "í\xa0\x80", "í\xa0\x80"),
    ("FriendlyName", "overlong UTF-8", b"\xc0\xaf", "À¯", "À¯"),
    ("FriendlyName", "control character", "a\x01b", NAME_CHARACTER, NAME_CHARACTER),
    ("FriendlyName", "tab, line feed, return", "a\tb\nc\rd", SAME, SAME),
    ("FriendlyName", "C1 control characters", "\x7f\x85\x9f", SAME, SAME),
    ("FriendlyName", "markup", "<&\"'>]]>", SAME, SAME),
    ("FriendlyName", "percent sign", "100%", SAME, SAME),
    ("FriendlyName", "plus sign", "a+b", SAME, SAME),
    ("FriendlyName", "escaped markup", "&amp;", SAME, SAME),
    ("FriendlyName", "line separator", "a\u2028b", SAME, SAME),
    ("FriendlyName", "SQL", "'; DROP TABLE x; --", SAME, SAME),
    ("FriendlyName", "template", "{{ 7 * 7 }}", SAME, SAME),
    ("FriendlyName", "twice, the first right", Repeated(["a", "x" * 65]), "a", "a"),
    ("FriendlyName", "twice, the first wrong", Repeated(["", "a"]), NAME_LENGTH, NAME_LENGTH),
    *lookup_rows("VoiceCallerIdLookup", LOOKUP),
    *lookup_rows("HasVoiceCallerIdLookup", HAS_LOOKUP),
    ("RcmlUrl", "missing", MISSING, None, KEPT),
    # Cleared means empty, as the original kept and showed it.
    ("RcmlUrl", "empty", "", "", ""),
    ("RcmlUrl", "http", "http://example.com/a?b=c#d", SAME, SAME),
    ("RcmlUrl", "https in upper case", "HTTPS://EXAMPLE.COM/%7Ea", SAME, SAME),
    ("RcmlUrl", "starting with a slash", "/restcomm/demos/hello.xml", SAME, SAME),
    ("RcmlUrl", "relative without a slash", "hello.xml", URL, URL),
    ("RcmlUrl", "8,000 characters", "/" + "x" * 7999, SAME, SAME),
    ("RcmlUrl", "8,000 characters of 4 bytes", "/" + "\U0001f600" * 7999, SAME, SAME),
    ("RcmlUrl", "too long by one", "/" + "x" * 8000, URL_LENGTH, URL_LENGTH),
    ("RcmlUrl", "far too long", "/" + "x" * 300000, URL_LENGTH, URL_LENGTH),
    ("RcmlUrl", "lowest port", "http://example.com:1", SAME, SAME),
    ("RcmlUrl", "highest port", "https://u@example.com:65535/", SAME, SAME),
    ("RcmlUrl", "port zero", "http://example.com:0/", PORT, PORT),
    ("RcmlUrl", "port too high", "http://example.com:99999/", PORT, PORT),
    ("RcmlUrl", "port of letters", "http://example.com:abc/", PORT, PORT),
    ("RcmlUrl", "wrong type", "42", URL, URL),
    ("RcmlUrl", "ftp", "ftp://example.com/", URL, URL),
    ("RcmlUrl", "file", "file:///etc/passwd", URL, URL),
    ("RcmlUrl", "javascript", "javascript:alert(1)", URL, URL),
    ("RcmlUrl", "no host", "http://", URL, URL),
    ("RcmlUrl", "space inside", "https://example.com/a b", *twice(illegal(" ", 22))),
    ("RcmlUrl", "template", "https://example.com/${x}", *twice(illegal("{", 22))),
    ("RcmlUrl", "bar", "https://example.com/a|b", *twice(illegal("|", 22))),
    ("RcmlUrl", "space before", " http://example.com/", URL, URL),
    ("RcmlUrl", "broken escape of its own", "https://example.com/a%zz", *twice(PERCENT)),
    ("RcmlUrl", "wrong encoding", b"/caf\xe9", "/café", "/café"),
    ("RcmlUrl", "control character", "/a\x00", *twice(illegal("\x00", 3))),
    ("RcmlUrl", "line feed", "/a\nb", *twice(illegal("\n", 3))),
    ("RcmlUrl", "line feed at the end", "/a\n", *twice(illegal("\n", 3))),
    ("RcmlUrl", "markup", "/<&\"'>", *twice(illegal("<", 2))),
    ("RcmlUrl", "the markup a URL may hold", "/a?b=1&c='d'", SAME, SAME),
    ("RcmlUrl", "4-byte character", "/\U0001f600", SAME, SAME),
    ("RcmlUrl", "twice, the first right", Repeated(["/a", "b"]), "/a", "/a"),
    ("RcmlUrl", "twice, the first wrong", Repeated(["b", "/a"]), URL, URL),
    ("Kind", "missing", MISSING, None, KEPT),
    ("Kind", "empty", "", KIND, None),
    ("Kind", "voice", "voice", "voice", "voice"),
    ("Kind", "sms", "sms", "sms", "sms"),
    ("Kind", "ussd", "ussd", "ussd", "ussd"),
    ("Kind", "upper case", "SMS", "sms", "sms"),
    ("Kind", "mixed case", "uSSd", "ussd", "ussd"),
    ("Kind", "too long by one", "voices", KIND, KIND),
    ("Kind", "space after", "voice ", KIND, KIND),
    ("Kind", "wrong type", "1", KIND, KIND),
    ("Kind", "two at once", "voice,sms", KIND, KIND),
    ("Kind", "wrong encoding", b"vo\xeece", KIND, KIND),
    # Its upper case is an S.
    ("Kind", "long s", "\u017fms", KIND, KIND),
    ("Kind", "control character", "sms\0", KIND, KIND),
    ("Kind", "line feed at the end", "sms\n", KIND, KIND),
    ("Kind", "markup", "<&\"'>", KIND, KIND),
    ("Kind", "4-byte character", "\U0001f600", KIND, KIND),
    ("Kind", "twice, the first right", Repeated(["sms", "fax"]), "sms", "sms"),
    ("Kind", "twice, the first wrong", Repeated(["fax", "sms"]), KIND, KIND),
    # An update ignores it, whatever it holds.
    ("ApiVersion", "missing", MISSING, "2012-04-24", KEPT),
    ("ApiVersion", "empty", "", VERSION, KEPT),
    ("ApiVersion", "the one", "2012-04-24", "2012-04-24", KEPT),
    ("ApiVersion", "too long by one", "2012-04-240", VERSION, KEPT),
    ("ApiVersion", "wrong type", "latest", VERSION, KEPT),
    ("ApiVersion", "Twilio's", "2010-04-01", VERSION, KEPT),
    ("ApiVersion", "wrong encoding", b"2012-04-2\xb4", VERSION, KEPT),
    ("ApiVersion", "other digits", "\uff12012-04-24", VERSION, KEPT),
    ("ApiVersion", "control character", "2012-04-24\n", VERSION, KEPT),
    ("ApiVersion", "markup", "<&\"'>", VERSION, KEPT),
    ("ApiVersion", "4-byte character", "\U0001f600", VERSION, KEPT),
    ("ApiVersion", "twice, the first right", Repeated(["2012-04-24", "1"]), "2012-04-24", KEPT),
    ("ApiVersion", "twice, the first wrong", Repeated(["1", "2012-04-24"]), VERSION, KEPT),
]

# A value of each parameter that is right, to see a refusal that has other grounds.
RIGHT = {
    "FriendlyName": "right",
    "VoiceCallerIdLookup": "true",
    "HasVoiceCallerIdLookup": "true",
    "RcmlUrl": "/right",
    "Kind": "sms",
    "ApiVersion": "2012-04-24",
}
# A value of each that an update refuses; it ignores ApiVersion.
WRONG = {
    "FriendlyName": ("", NAME_LENGTH),
    "VoiceCallerIdLookup": ("yes", LOOKUP),
    "HasVoiceCallerIdLookup": ("yes", HAS_LOOKUP),
    "RcmlUrl": ("wrong", URL),
    "Kind": ("fax", KIND),
}

every_row = pytest.mark.parametrize(
    ("parameter", "sent", "on_create", "on_update"),
    [(parameter, *rest) for parameter, _, *rest in TABLE],
    ids=[f"{parameter}: {situation}" for parameter, situation, *_ in TABLE],
)


@pytest.fixture(scope="module")
def database_url(make_database_url):
    return make_database_url()


@pytest.fixture(scope="module")
def module_service(database_url):
    """The application with default settings."""
    service = Service(database_url)
    yield service
    service.close()


@pytest.fixture
def service(module_service):
    """The application on the rows of ``rows.TABLES``; a test adds an application of its own."""
    module_service.replace(TABLES)
    return module_service


@pytest.fixture(scope="module")
def gunicorn(module_service, database_url):
    """A real server on the same database: the one that reads chunks, and bodies that end early."""
    gunicorn = Gunicorn(database_url, MAX_BODY_BYTES=str(GUNICORNS_LIMIT)).start()
    yield gunicorn
    gunicorn.kill()


class Existing:
    """One application more, made by hand, that a test updates."""

    numbers = itertools.count(100)

    def __init__(self, service, **columns):
        self.row = application_row(next(self.numbers), CHILD, **columns)
        self.sid = self.row["sid"]
        service.insert({"restcomm_applications": [self.row]})


@pytest.fixture
def existing(service):
    """An application with a lookup and a value in every column."""
    return Existing(service, voice_caller_id_lookup=True)


@pytest.fixture
def target(service, existing):
    """A function that gives the path a create or an update is sent to."""

    def give(write, suffix):
        return f"{LIST}.{suffix}" if write == "create" else f"{LIST}/{existing.sid}.{suffix}"

    return give


def encode(*pairs):
    """Write (name, value) pairs as a form body; every byte of a value is percent-encoded."""
    return "&".join(
        f"{name}={''.join(f'%{octet:02x}' for octet in octets_of(value))}" for name, value in pairs
    ).encode()


def octets_of(value):
    return value if isinstance(value, bytes) else value.encode()


def pairs_of(parameter, sent):
    """Give the pairs that send a row of the table."""
    values = sent if isinstance(sent, Repeated) else Repeated([sent])
    return [(parameter, value) for value in values]


def post(service, path, body, content_type=FORM, method="POST"):
    """Send a body as CHILD."""
    return service.request(method, path, CHILD, data=body, content_type=content_type)


def parse(reply):
    """Turn a reply that shows an application into its columns; they are the JSON keys."""
    if reply.headers["Content-Type"] == "application/json":
        shown = json.loads(reply.data)
    else:
        shown = {name_of(child.tag): child.text or "" for child in etree.fromstring(reply.data)[0]}
        assert shown["voice_caller_id_lookup"] in ("true", "false")
        shown["voice_caller_id_lookup"] = shown["voice_caller_id_lookup"] == "true"
    return {"rcml_url": None, "kind": None, **shown}


def name_of(tag):
    special = {"Sid": "sid", "AccountSid": "account_sid", "Uri": "uri"}
    dates = {"DateCreated": "date_created", "DateUpdated": "date_updated"}
    return {**PARAMETERS, **special, **dates}[tag]


def stored(sid):
    """Give an application's row as the database holds it."""
    return Application.select().where(Application.sid == sid).dicts().get()


def check_shown(service, reply, column, expected):
    """Assert a column in a reply, in what both formats read afterwards, and in the database."""
    assert reply.status_code == 200, reply.data
    shown = parse(reply)
    assert shown[column] == expected
    for suffix in ("xml", "json"):
        again = service.request("GET", f"{LIST}/{shown['sid']}.{suffix}", CHILD)
        assert parse(again)[column] == expected
    assert stored(shown["sid"])[column] == expected
    return shown


def told(reply):
    """Give what an error reply tells, as a Refusal."""
    return read_refusal(reply.status_code, reply.headers["Content-Type"], reply.data)


def read_refusal(status, content_type, body):
    """Read an error body into a Refusal."""
    if content_type == "application/json":
        error = json.loads(body)
        return Refusal(status, error["code"], error["message"])
    error = etree.fromstring(body)[0]
    return Refusal(status, int(error.findtext("Code")), error.findtext("Message"))


def check_refused(service, before, reply, expected, suffix="xml"):
    """Assert a refusal in the format asked for, after which all is as before."""
    assert told(reply) == expected
    assert reply.headers["Content-Type"] == f"application/{suffix}"
    assert service.dump() == before


def test_table_has_every_parameter_in_every_situation():
    rows = [(parameter, situation) for parameter, situation, *_ in TABLE]
    assert len(rows) == len(set(rows))
    assert set(itertools.product(PARAMETERS, SITUATIONS)) <= set(rows)


@both_formats
@every_row
def test_create_answers_as_the_table_says(service, suffix, parameter, sent, on_create, on_update):
    before = service.dump()
    name = [] if parameter == "FriendlyName" else [("FriendlyName", "x")]
    reply = post(service, f"{LIST}.{suffix}", encode(*name, *pairs_of(parameter, sent)))
    if isinstance(on_create, Refusal):
        check_refused(service, before, reply, on_create, suffix)
    else:
        expected = sent if on_create is SAME else on_create
        check_shown(service, reply, PARAMETERS[parameter], expected)


@both_formats
@every_row
def test_update_answers_as_the_table_says(service, suffix, parameter, sent, on_create, on_update):
    # The opposite lookup, and another text, so that a change is seen as one.
    existing = Existing(service, voice_caller_id_lookup=on_update is not True)
    before = service.dump()
    column = PARAMETERS[parameter]
    reply = post(service, f"{LIST}/{existing.sid}.{suffix}", encode(*pairs_of(parameter, sent)))
    if isinstance(on_update, Refusal):
        check_refused(service, before, reply, on_update, suffix)
    elif on_update is KEPT:
        check_shown(service, reply, column, existing.row[column])
        assert service.dump() == before
    else:
        check_shown(service, reply, column, sent if on_update is SAME else on_update)


@pytest.mark.parametrize(
    "character",
    [chr(code) for code in range(32) if chr(code) not in "\t\n\r"] + ["\ufffe", "\uffff"],
    ids=lambda character: f"U+{ord(character):04X}",
)
@both_writes
def test_write_refuses_a_name_that_xml_cannot_carry(service, target, write, character):
    before = service.dump()
    reply = post(service, target(write, "xml"), encode(("FriendlyName", f"a{character}b")))
    check_refused(service, before, reply, NAME_CHARACTER)


@pytest.mark.parametrize(
    ("lookup", "has_lookup", "expected"),
    [
        ("true", "true", True),
        ("false", "false", False),
        ("true", "TRUE", True),
        ("False", "falsE", False),
        ("true", "false", LOOKUPS_DIFFER),
        ("false", "true", LOOKUPS_DIFFER),
        ("TRUE", "false", LOOKUPS_DIFFER),
        ("yes", "true", LOOKUP),
        ("true", "yes", HAS_LOOKUP),
        ("", "true", LOOKUP),
        ("true", "", HAS_LOOKUP),
    ],
)
@pytest.mark.parametrize("reverse", [False, True], ids=["", "the second spelling first"])
@both_formats
@both_writes
def test_write_with_both_lookups(
    service, target, write, suffix, reverse, lookup, has_lookup, expected
):
    before = service.dump()
    pairs = [("VoiceCallerIdLookup", lookup), ("HasVoiceCallerIdLookup", has_lookup)]
    body = encode(("FriendlyName", "x"), *(reversed(pairs) if reverse else pairs))
    reply = post(service, target(write, suffix), body)
    if isinstance(expected, Refusal):
        check_refused(service, before, reply, expected, suffix)
    else:
        check_shown(service, reply, "voice_caller_id_lookup", expected)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"FriendlyName=a b", "a b"),
        (b"FriendlyName=a+b", "a b"),
        (b"FriendlyName=a%20b", "a b"),
        (b"FriendlyName=a%2Bb", "a+b"),
        (b"FriendlyName=a%2bb", "a+b"),
        (b"FriendlyName=http://a:b/c", "http://a:b/c"),
        (b"FriendlyName=a=b", "a=b"),
        (b"FriendlyName=a;b", "a;b"),
        (b"FriendlyName=a?b#c", "a?b#c"),
        (b"FriendlyName=<'\">", "<'\">"),
        ("FriendlyName=é".encode(), "é"),
        ("FriendlyName=é".encode("latin-1"), "é"),
        ("FriendlyName=%C3é".encode("latin-1"), "Ãé"),
        (b"%46riendlyName=a", "a"),
        (b"%46riendlyName=a&FriendlyName=b", "a"),
        (b"&&FriendlyName=a&&", "a"),
        (b"=x&FriendlyName=a", "a"),
        (b"x&FriendlyName=a", "a"),
        (b"friendlyname=x&FriendlyName=a", "a"),
        (b"FriendlyName=a\r\n", "a\r\n"),
    ],
)
def test_create_reads_a_body_as_it_is_sent(service, body, name):
    check_shown(service, post(service, f"{LIST}.json", body), "friendly_name", name)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", NAME_MISSING),
        (b"&", NAME_MISSING),
        (b"=x", NAME_MISSING),
        (b"friendlyname=x", NAME_MISSING),
        (b"FRIENDLYNAME=x", NAME_MISSING),
        (b"FriendlyName%3Dx", NAME_MISSING),
        (b"%20FriendlyName=x", NAME_MISSING),
        (b"FriendlyName[]=x", NAME_MISSING),
        (b'{"FriendlyName": "x"}', NAME_MISSING),
        (b"FriendlyName", NAME_LENGTH),
        (b"FriendlyName=", NAME_LENGTH),
        (b"FriendlyName&FriendlyName=x", NAME_LENGTH),
    ],
)
@both_formats
def test_create_refuses_a_body_without_a_name(service, suffix, body, expected):
    before = service.dump()
    reply = post(service, f"{LIST}.{suffix}", body)
    check_refused(service, before, reply, expected, suffix)


@pytest.mark.parametrize(
    "body",
    [
        b"FriendlyName=a%",
        b"FriendlyName=a%4",
        b"FriendlyName=a%zz",
        b"FriendlyName=a%4z&Kind=sms",
        b"FriendlyName=a%+1",
        b"FriendlyName=%%41",
        b"FriendlyName=%u0041",
        b"FriendlyName=%\xc3\xa9",
        b"FriendlyName=a&Unknown=%",
        b"FriendlyName=a&%=1",
    ],
)
@both_formats
@both_writes
def test_write_refuses_a_broken_escape(service, target, write, suffix, body):
    before = service.dump()
    reply = post(service, target(write, suffix), body)
    check_refused(service, before, reply, ESCAPE, suffix)


@pytest.mark.parametrize(
    ("charset", "octets", "name"),
    [
        ("", b"caf%C3%A9", "café"),
        ("", b"caf%E9", "café"),
        ("", b"caf\xe9", "café"),
        ("; charset=UTF-8", b"caf%C3%A9", "café"),
        ("; charset=utf-8", b"caf%E9", "café"),
        (";charset=utf8", b"caf%C3%A9", "café"),
        ('; charset="utf-8"', b"caf%C3%A9", "café"),
        ("; charset=ISO-8859-1", b"caf%E9", "café"),
        ("; charset=iso-8859-1", b"caf%C3%A9", "cafÃ©"),
        ("; charset=iso-8859-1", b"caf\xe9", "café"),
        ("; charset=windows-1252", b"%80", "€"),
        # One of the five bytes that Windows-1252 leaves undefined.
        ("; charset=windows-1252", b"%81", "\x81"),
        ("; boundary=x", b"a", "a"),
    ],
)
@both_writes
def test_write_reads_the_declared_charset(service, target, write, charset, octets, name):
    path = target(write, "json")
    reply = post(service, path, b"FriendlyName=" + octets, content_type=FORM + charset)
    check_shown(service, reply, "friendly_name", name)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize(
    "charset",
    ["klingon", "utf-16", "utf-7", "rot13", "base64", "idna", "unicode_escape", "../utf-8"],
)
@both_writes
def test_write_refuses_an_unknown_charset(service, target, write, charset, parameter):
    before = service.dump()
    body = encode(("FriendlyName", "x"), (parameter, RIGHT[parameter]))
    reply = post(service, target(write, "xml"), body, content_type=f"{FORM}; charset={charset}")
    check_refused(service, before, reply, CHARSET)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/xml",
        "text/plain",
        "text/plain; charset=utf-8",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/octet-stream",
        "application/x-www-form-urlencoded-not",
        "form",
        "garbage/",
        "*/*",
    ],
)
@pytest.mark.parametrize(
    ("write", "method"),
    [("create", "POST"), ("update", "POST"), ("update", "PUT"), ("update", "PATCH")],
)
@both_formats
def test_write_refuses_another_media_type(service, target, suffix, write, method, content_type):
    before = service.dump()
    body = encode(("FriendlyName", "x"))
    reply = post(service, target(write, suffix), body, content_type, method)
    check_refused(service, before, reply, MEDIA_TYPE, suffix)


@pytest.mark.parametrize("content_type", [None, FORM, FORM.upper(), f" {FORM} ;"])
@pytest.mark.parametrize(
    ("write", "method"),
    [("create", "POST"), ("update", "POST"), ("update", "PUT"), ("update", "PATCH")],
)
def test_write_reads_a_form_declared_or_not(service, target, write, method, content_type):
    body = encode(("FriendlyName", "é"))
    reply = post(service, target(write, "json"), body, content_type, method)
    check_shown(service, reply, "friendly_name", "é")


def test_removal_ignores_the_media_type(service, existing):
    path = f"{LIST}/{existing.sid}.json"
    reply = service.request("DELETE", path, CHILD, content_type="application/json", data=b"{}")
    assert (reply.status_code, reply.data) == (204, b"")
    assert service.request("GET", path, CHILD).status_code == 404


@both_formats
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_update_without_a_body_changes_nothing(service, existing, method, suffix):
    before = service.dump()
    reply = post(service, f"{LIST}/{existing.sid}.{suffix}", b"", None, method)
    check_shown(service, reply, "friendly_name", existing.row["friendly_name"])
    assert service.dump() == before


def test_create_never_reads_the_query(service):
    before = service.dump()
    reply = post(service, f"{LIST}?FriendlyName=x&Kind=sms", b"")
    check_refused(service, before, reply, NAME_MISSING)
    shown = parse(post(service, f"{LIST}.json?Kind=sms&FriendlyName=query", b"FriendlyName=form"))
    assert (shown["friendly_name"], shown["kind"]) == ("form", None)


def test_update_never_reads_the_query(service, existing):
    before = service.dump()
    reply = post(service, f"{LIST}/{existing.sid}?FriendlyName=x&Kind=fax", b"")
    check_shown(service, reply, "friendly_name", existing.row["friendly_name"])
    assert service.dump() == before


# What clients send besides, and columns that no form may set.
UNKNOWN = {
    "Sid": "AP" + "f" * 32,
    "AccountSid": "AC" + "f" * 32,
    "RcmUrl": "/typo",
    "VoiceUrl": "/voice",
    "NewFriendlyName": "new",
    "DateCreated": "now",
    "DateUpdated": "now",
    "Uri": "/elsewhere",
    "Status": "closed",
    "friendly_name": "column",
    "account_sid": "AC" + "f" * 32,
    "api_version": "1",
    "uri": "/elsewhere",
    "": "empty",
    "x\0y": "control",
    "\U0001f600": "4 bytes",
}


def test_create_ignores_unknown_parameters(service):
    pairs = [(quote(name), value) for name, value in UNKNOWN.items()]
    shown = parse(post(service, f"{LIST}.json", encode(*pairs, ("FriendlyName", "x"))))
    row = stored(shown["sid"])
    assert row["account_sid"] == CHILD["sid"]
    assert row["uri"] == f"/2012-04-24{LIST}/{shown['sid']}"
    assert (row["friendly_name"], row["api_version"]) == ("x", "2012-04-24")
    assert (row["rcml_url"], row["kind"]) == (None, None)
    assert shown["sid"] != UNKNOWN["Sid"]


def test_update_ignores_unknown_parameters(service, existing):
    before = service.dump()
    pairs = [(quote(name), value) for name, value in UNKNOWN.items()]
    reply = post(service, f"{LIST}/{existing.sid}.json", encode(*pairs))
    check_shown(service, reply, "friendly_name", existing.row["friendly_name"])
    assert service.dump() == before


def test_create_sets_both_dates_to_now(service):
    began = datetime.now(timezone.utc).replace(microsecond=0)
    shown = parse(post(service, f"{LIST}.json", b"FriendlyName=x"))
    created = datetime.strptime(shown["date_created"], "%a, %d %b %Y %H:%M:%S %z")
    assert began <= created <= datetime.now(timezone.utc)
    assert shown["date_updated"] == shown["date_created"]


@pytest.mark.parametrize(
    ("body", "moves"),
    [
        (b"", False),
        (b"Unknown=1", False),
        (b"ApiVersion=2012-04-24", False),
        (b"ApiVersion=1", False),
        (b"Sid=x&DateUpdated=now&FriendlyNam=x", False),
        # The value it has already.
        (b"FriendlyName=Same", True),
        (b"VoiceCallerIdLookup=false", True),
        (b"HasVoiceCallerIdLookup=false", True),
        (b"RcmlUrl=/same", True),
        (b"Kind=voice", True),
        (b"FriendlyName=Other", True),
        (b"RcmlUrl=", True),
        (b"Kind=", True),
        (b"Unknown=1&Kind=sms", True),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_update_moves_the_date_only_when_a_value_was_sent(service, method, body, moves):
    existing = Existing(service, friendly_name="Same", rcml_url="/same", kind="voice")
    shown = parse(post(service, f"{LIST}/{existing.sid}.json", body, method=method))
    assert (shown["date_updated"] != "Wed, 1 Jun 2016 10:00:00 +0000") is moves
    assert (str(stored(existing.sid)["date_updated"]) != DATE) is moves
    assert shown["date_created"] == "Wed, 1 Jun 2016 10:00:00 +0000"
    assert str(stored(existing.sid)["date_created"]) == DATE


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("right", RIGHT)
@both_formats
def test_update_with_one_wrong_value_changes_nothing(service, existing, suffix, right, wrong):
    if right == wrong:
        pairs = [(name, text) for name, text in RIGHT.items() if name != wrong]
    else:
        pairs = [(right, RIGHT[right])]
    text, expected = WRONG[wrong]
    before = service.dump()
    for body in (encode(*pairs, (wrong, text)), encode((wrong, text), *pairs)):
        reply = post(service, f"{LIST}/{existing.sid}.{suffix}", body, method="PUT")
        check_refused(service, before, reply, expected, suffix)


@pytest.mark.parametrize("parameter", PARAMETERS)
@both_writes
def test_write_takes_a_body_of_the_largest_size(service, target, write, parameter):
    body = encode(("FriendlyName", "x"), (parameter, RIGHT[parameter])) + b"&Unknown="
    reply = post(service, target(write, "json"), body.ljust(MEBIBYTE, b"x"))
    expected = {"FriendlyName": "x"}.get(parameter) or RIGHT[parameter]
    check_shown(service, reply, PARAMETERS[parameter], True if expected == "true" else expected)


@pytest.mark.parametrize("parameter", PARAMETERS)
@both_formats
@both_writes
def test_write_refuses_a_body_one_byte_larger(service, target, write, suffix, parameter):
    before = service.dump()
    body = encode(("FriendlyName", "x"), (parameter, RIGHT[parameter])) + b"&Unknown="
    reply = post(service, target(write, suffix), body.ljust(MEBIBYTE + 1, b"x"))
    check_refused(service, before, reply, TOO_LARGE, suffix)


def send_and_half_close(gunicorn, path, framing, body, method="POST"):
    """Send what may be less than a request and no more after it; give the whole reply, checked."""
    lines = [
        f"{method} {BASE}{path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: {authorization(CHILD)['Authorization']}",
        f"Content-Type: {FORM}",
        framing,
    ]
    octets = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    with socket.create_connection(("127.0.0.1", gunicorn.port), 30) as connection:
        connection.sendall(octets)
        with suppress(OSError):  # a server that has answered may have closed already
            connection.shutdown(socket.SHUT_WR)
        reply = http.client.HTTPResponse(connection, method=method)
        reply.begin()
        answer = reply.status, reply.headers["Content-Type"], reply.read()
    check_reply(*answer)
    return answer


def check_refused_by_gunicorn(service, before, answer, expected, suffix):
    status, content_type, body = answer
    assert read_refusal(status, content_type, body) == expected
    assert content_type == f"application/{suffix}"
    assert service.dump() == before


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("missing", [1, 500])
@both_formats
@both_writes
def test_write_refuses_a_truncated_body(
    service, gunicorn, target, write, suffix, missing, parameter
):
    before = service.dump()
    body = encode(("FriendlyName", "x"), (parameter, RIGHT[parameter]))
    framing = f"Content-Length: {len(body) + missing}"
    path = target(write, suffix)
    answer = send_and_half_close(gunicorn, path, framing, body)
    check_refused_by_gunicorn(service, before, answer, CUT, suffix)


def test_write_refuses_a_body_of_which_nothing_comes(service, gunicorn):
    before = service.dump()
    answer = send_and_half_close(gunicorn, f"{LIST}.json", "Content-Length: 14", b"")
    check_refused_by_gunicorn(service, before, answer, CUT, "json")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"e\r\n",
        b"e\r\nFriendly",
        b"e\r\nFriendlyName=x",
        b"e\r\nFriendlyName=x\r\n",
        b"zz\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"-e\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"+e\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"0xe\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"e_\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"e\r\nFriendlyName=xyz\r\n0\r\n\r\n",
        b"d\r\nFriendlyName=x\r\n0\r\n\r\n",
        b"FriendlyName=x",
    ],
)
@both_formats
@both_writes
def test_write_refuses_malformed_chunks(service, gunicorn, target, write, suffix, body):
    before = service.dump()
    path = target(write, suffix)
    answer = send_and_half_close(gunicorn, path, "Transfer-Encoding: chunked", body)
    check_refused_by_gunicorn(service, before, answer, CUT, suffix)


def chunked(body, size):
    """Write a body in chunks of at most ``size`` bytes."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


@pytest.mark.parametrize("size", [1, 100, 4096])
@both_writes
def test_write_takes_chunks_of_the_largest_size(service, gunicorn, target, write, size):
    body = b"FriendlyName=chunked&Unknown=".ljust(GUNICORNS_LIMIT, b"x")
    path = target(write, "json")
    status, _, answer = send_and_half_close(
        gunicorn, path, "Transfer-Encoding: chunked", chunked(body, size)
    )
    assert status == 200
    assert stored(json.loads(answer)["sid"])["friendly_name"] == "chunked"


@pytest.mark.parametrize("size", [1, 100, 4096])
@both_formats
@both_writes
def test_write_refuses_chunks_of_one_byte_more(service, gunicorn, target, write, suffix, size):
    before = service.dump()
    body = b"FriendlyName=chunked&Unknown=".ljust(GUNICORNS_LIMIT + 1, b"x")
    path = target(write, suffix)
    answer = send_and_half_close(gunicorn, path, "Transfer-Encoding: chunked", chunked(body, size))
    check_refused_by_gunicorn(service, before, answer, TOO_LARGE_FOR_GUNICORN, suffix)
