"""Random requests: never a 5xx, always a well-formed reply in the right format, and nothing changed
after a refusal. "make soak" raises the number of examples by the variable SCALE.

Each test also asserts which statuses it met: requests that are all refused at the door show little.
A run of a few hundred examples may be too short for that.
"""

import io
import json
import re
from base64 import b64encode
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ..support.randomly import RANDOMLY
from ..support.rows import CHILD, FULL, PARENT, STRANGER, STRANGERS, TABLES
from ..support.service import BASE, Service, authorization, check_reply

LIST = f"{BASE}/Accounts/{CHILD['sid']}/Applications"

ANY_TEXT = st.text(max_size=70)
NOISE = st.one_of(
    ANY_TEXT.map(lambda text: quote(text, safe="")),
    st.text(alphabet="%aF0;.=&+<\"'/ \\", max_size=12),
    st.binary(max_size=12).map(lambda octets: quote(octets, safe="")),
)
SEGMENTS = st.one_of(
    st.sampled_from(
        [
            "restcomm",
            "2012-04-24",
            "Accounts",
            "Applications",
            "Logout",
            "",
            ".",
            "..",
            CHILD["sid"],
            PARENT["sid"],
            CHILD["email_address"],
            FULL["sid"],
            "AP" + "9" * 32,
        ]
    ),
    NOISE,
)
SUFFIXES = st.sampled_from(["", "", "", ".json", ".xml", ".json.json", ".JSON", ";a=b", "%2ejson"])
RANDOM_PATHS = st.lists(st.tuples(SEGMENTS, SUFFIXES).map("".join), max_size=8).map(
    lambda segments: "/" + "/".join(segments)
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "X"])
INSTANCE = f"{LIST}/{FULL['sid']}"
FOREIGN = LIST.replace(CHILD["sid"], STRANGER["sid"])
# (method, target) of what the service does or refuses for a reason of its own.
KNOWN = st.tuples(
    st.sampled_from(
        [
            *(("GET", LIST), ("POST", LIST), ("HEAD", LIST), ("OPTIONS", LIST), ("PUT", LIST)),
            *(("POST", LIST), ("POST", INSTANCE), ("PUT", INSTANCE)),
            *((method, INSTANCE) for method in ("GET", "POST", "PUT", "DELETE", "PUT", "DELETE")),
            *((method, f"{LIST}/{STRANGERS['sid']}") for method in ("GET", "PUT", "DELETE")),
            *(("GET", FOREIGN), ("POST", FOREIGN), ("GET", f"{LIST}/AP1"), ("GET", f"{BASE}/No")),
            *(("GET", f"{BASE}/Accounts"), ("GET", f"{BASE}/Accounts/{CHILD['email_address']}")),
            *(("GET", f"{BASE}/Logout"), ("PATCH", INSTANCE), ("DELETE", LIST), ("X", INSTANCE)),
        ]
    ),
    st.sampled_from(["", "", ".json", ".xml", ".json/", "/", "//", ";a=b", "%2ejson", "?a=.json"]),
).map(lambda drawn: (drawn[0][0], drawn[0][1] + drawn[1]))
CHANGES = st.sampled_from(
    [("POST", LIST), ("PUT", INSTANCE), ("PUT", INSTANCE), ("DELETE", INSTANCE)]
)
REQUESTS = st.one_of(CHANGES, KNOWN, KNOWN, st.tuples(METHODS, RANDOM_PATHS))
FORM = "application/x-www-form-urlencoded"


def often(text, *others):
    """Draw a text in about four of five cases, else one of the other strategies."""
    dice = st.sampled_from([True, True, True, True, False])
    return dice.flatmap(lambda usual: st.just(text) if usual else st.one_of(*others))


HEADERS = st.fixed_dictionaries(
    {
        "HTTP_HOST": often(
            "localhost", st.sampled_from([None, "[::1]:80", "a b", "x\xe9", "h:port", ""])
        ),
        "HTTP_AUTHORIZATION": often(
            authorization(CHILD)["Authorization"],
            st.none(),
            st.just(authorization(STRANGER)["Authorization"]),
            st.text(alphabet=st.characters(max_codepoint=255), max_size=40),
            st.text(alphabet=st.characters(max_codepoint=255), max_size=40).map("Basic ".__add__),
            st.binary(max_size=20).map(lambda octets: f"Basic {b64encode(octets).decode()}"),
        ),
        "HTTP_ORIGIN": often(None, st.sampled_from(["null", "http://evil.example", ""])),
        "CONTENT_TYPE": often(
            FORM,
            st.sampled_from(
                [
                    *(None, "", f"{FORM}; charset=ISO-8859-1", f"{FORM}; charset=utf-16"),
                    *("multipart/form-data; boundary=B", "text/plain", ";charset="),
                ]
            ),
        ),
    },
    optional={
        "HTTP_ACCEPT": st.sampled_from(["application/json", "text/plain", "*/*", "json", ";q", ""]),
    },
).map(lambda headers: {name: text for name, text in headers.items() if text is not None})
NAMES = st.one_of(
    st.sampled_from(
        [
            "FriendlyName",
            "FriendlyName",
            "VoiceCallerIdLookup",
            "HasVoiceCallerIdLookup",
            "RcmlUrl",
            "Kind",
            "ApiVersion",
            "Sid",
        ]
    ),
    NOISE,
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "true",
            "FALSE",
            "voice",
            "SMS",
            "ussd",
            "2012-04-24",
            "http://example.com/?a=1&b=2",
            "/x",
            "x" * 64,
            "x" * 65,
            "",
        ]
    ).map(quote),
    NOISE,
)
RIGHT_PAIRS = st.sampled_from(
    ["FriendlyName=a", "VoiceCallerIdLookup=true", "RcmlUrl=/a", "RcmlUrl=", "Kind=sms", "Sid=a"]
)
RIGHT_FORMS = st.lists(RIGHT_PAIRS, min_size=1, max_size=3).map("&".join).map(str.encode)
# Often right ones, so that a run surely meets changes, whatever hypothesis makes of the source.
FORMS = st.one_of(
    *(RIGHT_FORMS, RIGHT_FORMS, RIGHT_FORMS, RIGHT_FORMS),
    st.lists(st.tuples(NAMES, VALUES).map("=".join), max_size=6).map("&".join).map(str.encode),
    st.binary(max_size=60),
)


# How a body comes: with its length, in chunks that the server ends, or cut short of its length.
FRAMINGS = st.sampled_from(["whole", "whole", "whole", "chunked", "cut"])


@pytest.fixture(scope="module")
def module_service(make_database_url):
    """One application for all examples; each finds the rows of ``rows.TABLES``."""
    url = make_database_url()
    service = Service(url, LOG_LEVEL="warning")
    service.insert(TABLES)
    yield service
    service.close()


def restcomms(dump):
    """Give the rows of Restcomm's own tables."""
    return {table: dump[table] for table in TABLES}


def call(service, method, target, headers, body, framing="whole"):
    """Call the WSGI application as a server would; give status, headers and body."""
    path, _, query = target.partition("?")
    lengths = {"whole": len(body), "cut": len(body) + 1}
    framed = (
        {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        if framing == "chunked"
        else {"CONTENT_LENGTH": str(lengths[framing])}
    )
    environ = {
        "REQUEST_METHOD": method,
        "RAW_URI": target.encode().decode("latin-1"),
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        **framed,
        **headers,
    }
    started = []

    def start_response(status, sent, exc_info=None):
        started.append((status, sent))

    chunks = service.app(environ, start_response)
    octets = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    [(status, sent)] = started
    return int(status[:3]), dict(sent), octets


def expected_type(target, headers):
    """Give the media type by the contract's words, read anew here."""
    path = unquote_to_bytes(target.partition("?")[0]).decode("latin-1")
    segments = [segment.split(";")[0] for segment in path.split("/")]
    if any(segment.endswith(".json") for segment in segments):
        return "application/json"
    if any(segment.endswith(".xml") for segment in segments):
        return "application/xml"
    accepts_json = "json" in headers.get("HTTP_ACCEPT", "")
    return "application/json" if accepts_json else "application/xml"


def check_answer(service, before, method, target, headers, answer):
    """Assert what holds for every answer."""
    status, sent, body = answer
    assert status < 500
    if status >= 400:
        assert service.dump() == before
    if method == "HEAD":
        assert body == b""
    else:
        check_reply(status, sent.get("Content-Type"), body)
    if "Content-Type" in sent and sent["Content-Type"] != "text/plain":
        assert sent["Content-Type"] == expected_type(target, headers)


def values_of(answer):
    """Give what a reply shows of an application, in wire order and alike for both formats."""
    _, sent, body = answer
    if sent["Content-Type"] == "application/json":
        values = list(json.loads(body).values())
        # XML cannot carry these two, which Java takes in a URL.
        return [re.sub("[\ufffe\uffff]", "\ufffd", str(value)) for value in values]
    shown = {child.tag: child.text or "" for child in etree.fromstring(body)[0]}
    flag = shown["VoiceCallerIdLookup"].capitalize()
    return list((shown | {"Uri": shown["Uri"] + ".json", "VoiceCallerIdLookup": flag}).values())


def test_any_request_is_answered(module_service):
    statuses, changes = set(), set()
    before = module_service.dump()

    @RANDOMLY
    @given(request=REQUESTS, headers=HEADERS, body=FORMS, framing=FRAMINGS)
    def ask(request, headers, body, framing):
        method, target = request
        answer = call(module_service, method, target, headers, body, framing)
        check_answer(module_service, before, method, target, headers, answer)
        statuses.add(answer[0])
        if module_service.dump() != before:
            changes.add((method, framing))
            module_service.replace(TABLES)

    ask()
    assert statuses >= {200, 400, 401, 403, 404, 405}
    # Nothing that only reads may change, nothing that is cut short may be taken.
    assert (
        {"POST", "PUT"} <= {method for method, _ in changes} <= {"POST", "PUT", "PATCH", "DELETE"}
    )
    assert not {("POST", "cut"), ("PUT", "cut")} & changes


def test_any_form_is_taken_whole_or_refused(module_service):
    statuses = set()
    before = module_service.dump()
    credentials = authorization(CHILD)["Authorization"]
    headers = {"HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": credentials}

    def ask(method, path, body=b"", framing="whole"):
        answer = call(module_service, method, path, headers, body, framing)
        check_answer(module_service, before, method, path, headers, answer)
        return answer

    @RANDOMLY
    @given(
        body=FORMS,
        name=st.text(min_size=1, max_size=64),
        suffix=st.sampled_from(["", ".json"]),
        framing=FRAMINGS,
    )
    def create(body, name, suffix, framing):
        # Most random forms lack a name that is taken: this puts one before.
        body = b"FriendlyName=" + quote(name, safe="").encode() + b"&" + body
        answer = ask("POST", LIST + suffix, body, framing)
        statuses.add(answer[0])
        if answer[0] != 200:
            # Whatever is wrong, the name was sent.
            assert b"21401" not in answer[2]
            return
        assert framing != "cut"
        sid = values_of(answer)[0]
        in_xml, in_json = ask("GET", f"{LIST}/{sid}"), ask("GET", f"{LIST}/{sid}.json")
        assert answer[2] == (in_json if suffix else in_xml)[2]
        assert values_of(in_xml) == values_of(in_json)
        assert json.loads(in_json[2])["friendly_name"] == name
        assert ask("DELETE", f"{LIST}/{sid}")[0] == 204
        # But for the trail of the two everything is as it was.
        assert restcomms(module_service.dump()) == restcomms(before)
        module_service.replace(TABLES)

    create()
    assert statuses == {200, 400}
