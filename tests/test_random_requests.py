"""Random requests: never a 5xx, always a well-formed reply in the right format, and nothing changed
after a refusal. "make soak" raises the number of examples through the variable EXAMPLES.
"""

import io
import os
import re
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .rows import CHILD, FULL, PARENT, STRANGER, TABLES
from .service import BASE, Service, authorization, check_reply

EXAMPLES = int(os.environ.get("EXAMPLES", "2000"))
RANDOMLY = settings(
    max_examples=EXAMPLES // 2,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
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
            "restcomm", "2012-04-24", "Accounts", "Applications", "Logout", "", ".", "..",
            CHILD["sid"], PARENT["sid"], CHILD["email_address"], FULL["sid"], "AP" + "9" * 32,
        ]
    ),
    NOISE,
)
SUFFIXES = st.sampled_from(["", "", "", ".json", ".xml", ".json.json", ".JSON", ";a=b", "%2ejson"])
PATHS = st.one_of(
    st.lists(st.tuples(SEGMENTS, SUFFIXES).map("".join), max_size=8).map(
        lambda segments: "/" + "/".join(segments)
    ),
    st.tuples(
        st.sampled_from([LIST, f"{LIST}/{FULL['sid']}", f"{BASE}/Accounts", f"{BASE}/Logout"]),
        SUFFIXES,
        st.sampled_from(["", "/", "//"]),
    ).map("".join),
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "X"])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "HTTP_ACCEPT": st.sampled_from(["application/json", "text/plain", "*/*", "json", ";q", ""]),
        "HTTP_AUTHORIZATION": st.one_of(
            *(
                st.just(authorization(account)["Authorization"])
                for account in (CHILD, CHILD, CHILD, STRANGER)
            ),
            st.text(alphabet=st.characters(max_codepoint=255), max_size=40),
            st.binary(max_size=20).map(lambda octets: "Basic " + octets.hex()),
        ),
        "HTTP_HOST": st.sampled_from(["localhost", "[::1]:80", "a b", "x\xe9", "h:port", ""]),
        "HTTP_ORIGIN": st.sampled_from(["null", "http://evil.example", ""]),
        "CONTENT_TYPE": st.sampled_from(
            [
                "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded; charset=ISO-8859-1",
                "application/x-www-form-urlencoded; charset=utf-16",
                "multipart/form-data; boundary=B",
                "text/plain",
                ";charset=",
                "",
            ]
        ),
    },
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "FriendlyName", "FriendlyName", "VoiceCallerIdLookup", "HasVoiceCallerIdLookup",
            "RcmlUrl", "Kind", "ApiVersion", "Sid",
        ]
    ),
    NOISE,
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "true", "FALSE", "voice", "SMS", "ussd", "2012-04-24", "http://example.com/?a=1&b=2",
            "/x", "x" * 64, "x" * 65, "",
        ]
    ).map(quote),
    NOISE,
)
FORMS = st.one_of(
    st.lists(st.tuples(NAMES, VALUES).map("=".join), max_size=6).map("&".join).map(str.encode),
    st.binary(max_size=60),
)


@pytest.fixture(scope="module")
def module_service(tmp_path_factory):
    """One application for all examples; whatever they change stays."""
    service = Service(f"sqlite:///{tmp_path_factory.mktemp('random')}/restcomm-apps.db")
    service.insert(TABLES)
    yield service
    service.close()


def call(service, method, target, headers, body):
    """Call the WSGI application as a server would; give status, headers and body."""
    path, _, query = target.partition("?")
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
        "CONTENT_LENGTH": str(len(body)),
        **headers,
    }
    started = []
    chunks = service.app(environ, lambda status, sent, exc_info=None: started.append((status, sent)))
    octets = b"".join(chunks)
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


@RANDOMLY
@given(method=METHODS, target=PATHS, headers=HEADERS, body=FORMS)
def test_any_request_is_answered(module_service, method, target, headers, body):
    before = module_service.dump()
    answer = call(module_service, method, target, headers, body)
    check_answer(module_service, before, method, target, headers, answer)


@RANDOMLY
@given(body=FORMS, name=st.text(min_size=1, max_size=64), suffix=st.sampled_from(["", ".json"]))
def test_any_form_is_taken_whole_or_refused(module_service, body, name, suffix):
    # Most random forms lack a name that is taken: this puts one before.
    body = b"FriendlyName=" + quote(name, safe="").encode() + b"&" + body
    headers = {"HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": authorization(CHILD)["Authorization"]}
    before = module_service.dump()
    answer = call(module_service, "POST", LIST + suffix, headers, body)
    check_answer(module_service, before, "POST", LIST + suffix, headers, answer)
    if answer[0] != 200:
        return
    sid = re.search(rb"AP[0-9a-f]{32}", answer[2])[0].decode()
    for again in ("", ".json"):
        read = call(module_service, "GET", f"{LIST}/{sid}{again}", headers, b"")
        check_answer(module_service, None, "GET", f"{LIST}/{sid}{again}", headers, read)
        if again == suffix:
            assert read[2] == answer[2]
        if again:
            assert module_service.app.json.loads(read[2])["friendly_name"] == name
    # So that the next dump stays short.
    assert call(module_service, "DELETE", f"{LIST}/{sid}", headers, b"")[0] == 204
    assert module_service.dump() == before
