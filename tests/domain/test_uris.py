"""Which RcmlUrl is accepted: what java.net.URI reads, as far as it leads to a web server.

``uri_cases.json`` holds 434 texts and whether java.net.URI read them, measured on OpenJDK 17; the
texts added here were measured the same way. The contract then keeps only http and https URLs with
a host and at most a port that there is, and references that start with a slash.
"""

import json
import re

import pytest
from lxml import etree

from restcomm_apps.domain.uris import broken_rule

from ..support.rows import CHILD, load_data
from ..support.service import Service

CASES = load_data("uri_cases.json")
LIST = f"/Accounts/{CHILD['sid']}/Applications"

# URIs to java.net.URI, but neither a web URL with a host nor a reference that starts with "/".
NOT_OF_THE_WEB = [
    *("http:/", "http:///", "http:///x", "http://::1/"),
    *("a:b", "a+b.c-d:x", "x:y:z", "urn:x", "mailto:a@b", "javascript:alert(1)"),
    *("data:text/plain,hi", "file:///etc/passwd", "client:bob", "sip:bob@h", "tel:+1-555"),
    *("?", "?q", "#", "#f"),
    *("%41", "%c3%a9", "./x", "../x", ".", "..", "./a:b", "a/b:c"),
]
# URIs to java.net.URI, which takes what it cannot read as a host and a port for a registry's name.
WITHOUT_A_PORT = [
    *("http://ho:st/x", "http://h:99999/x", "http://h:-1/", "http://h:ab/"),
]
EMPTY = ""


def is_sendable(text):
    """Tell whether a text can be sent as UTF-8; half of a surrogate pair cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


REFUSED_BY_JAVA = [case["input"] for case in CASES if not case["accepted"]]
ACCEPTED = [
    case["input"]
    for case in CASES
    if case["accepted"] and case["input"] not in [*NOT_OF_THE_WEB, *WITHOUT_A_PORT, EMPTY]
]
KEPT = [text for text in ACCEPTED if is_sendable(text)]
UNSENDABLE = [text for text in ACCEPTED if not is_sendable(text)]

# Measured beside the recorded ones. A scope in brackets has a narrower alphabet than a host.
MORE_KEPT = [
    *("HtTpS://h", "http://%41/x", "http://h:1/", "http://h:065535", "http://h/\u180e"),
    *("http://u@[::1]/", "http://[::ffff:1.2.3.4]:8080/x", "//[::1]", "//?x", "//#x"),
    *("http://[fe80::1%eth0]/x", "http://[fe80::1%eth0.1_a]/x", "http://[::1%25eth0]/x"),
]
MORE_REFUSED_BY_JAVA = [
    *("http://%zz/x", "http://h/\u2007", "/[x]", "//[x]", "http://a@b@[::1]/"),
    *("http://[::ffff:1.2.3.256]/x", "http://[1::2::3]/x", "http://[1:2:3:4:5:6:7]/x"),
    *("http://[::1]:8x/", "http://[::1]x/", "http://[fe80::1%]/x", "http://[fe80::1%eth-0]/x"),
    *("http://[fe80::1%a b]/x", "http://[fe80::1%<b>]/x", 'http://[fe80::1%"]/x'),
    "http://[fe80::1%\xe9]/x",
]
# java.net.URI reads these without finding a host in them.
MORE_NOT_OF_THE_WEB = [
    *("https:h", "http:h/x", "http:?x", "https:/x", "https:///x", "httpx://h"),
    *("http://:80/x", "http://:/x", "http://u@/x", "http://u@:80/x", "http://@/x"),
]
MORE_WITHOUT_A_PORT = [
    *("http://h:0", "http://h:65536/x", "http://h:80:90/", "//h:99999/x", "http://h:\u0663/"),
    *("http://[::1]:0/x", "http://[::1]:65536/x", f"http://h:{'9' * 5000}/"),
]


@pytest.fixture(scope="module")
def kept_service(make_database_url):
    """The application with one account, for tests that only add applications."""
    service = Service(make_database_url())
    service.insert({"restcomm_accounts": [CHILD]})
    yield service
    service.close()


def create(service, rcml_url):
    """Send a text as the RcmlUrl of a new application and ask for JSON."""
    form = {"FriendlyName": "x", "RcmlUrl": rcml_url}
    return service.request("POST", f"{LIST}.json", CHILD, data=form)


def read_in_xml(service, sid):
    """Read an application's XML, as the bytes and as its RcmlUrl element."""
    reply = service.request("GET", f"{LIST}/{sid}", CHILD)
    return reply.data, etree.fromstring(reply.data).find("Application/RcmlUrl")


@pytest.mark.parametrize("text", KEPT + MORE_KEPT, ids=ascii)
def test_create_keeps_a_web_reference_verbatim(kept_service, text):
    reply = create(kept_service, text)
    assert reply.status_code == 200, reply.data
    application = json.loads(reply.data)
    assert application["rcml_url"] == text
    _, element = read_in_xml(kept_service, application["sid"])
    # The two that XML 1.0 cannot carry.
    assert element.text == text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def test_create_keeps_an_empty_url(kept_service):
    application = json.loads(create(kept_service, EMPTY).data)
    assert application["rcml_url"] == EMPTY
    body, _ = read_in_xml(kept_service, application["sid"])
    assert b"    <RcmlUrl></RcmlUrl>\n" in body


@pytest.mark.parametrize(
    "text",
    [
        *(REFUSED_BY_JAVA + MORE_REFUSED_BY_JAVA + NOT_OF_THE_WEB + MORE_NOT_OF_THE_WEB),
        *(WITHOUT_A_PORT + MORE_WITHOUT_A_PORT),
    ],
    ids=ascii,
)
def test_create_refuses_any_other_url(kept_service, text):
    before = count_applications(kept_service)
    reply = create(kept_service, text)
    error = json.loads(reply.data)
    assert (reply.status_code, error.get("code")) == (400, 21402), error
    assert error["message"].startswith("RcmlUrl must ")
    assert count_applications(kept_service) == before


def count_applications(service):
    """Count the rows of the table."""
    return len(service.dump()["restcomm_applications"])


@pytest.mark.parametrize("text", UNSENDABLE, ids=ascii)
def test_half_a_surrogate_pair_is_a_letter_as_in_java(text):
    assert broken_rule(text) is None


@pytest.mark.parametrize("text", WITHOUT_A_PORT + MORE_WITHOUT_A_PORT, ids=ascii)
def test_port_that_there_is_not_is_named(text):
    assert broken_rule(text) == "have a port from 1 to 65535, if any"


FAULT_AT = "(?:in (?:path|query|fragment)|escape pair) at index ([0-9]+)"
# What Java says of a character in a path, a query or a fragment, and of an escape anywhere. Of an
# authority it tells where that begins.
PLACES = [
    (case["input"], int(found[1]))
    for case in CASES
    if case["input"].startswith(("/", "http"))
    and (found := re.search(FAULT_AT, case["error"] or "")) is not None
]


@pytest.mark.parametrize("text, index", PLACES, ids=ascii)
def test_rule_names_the_place_that_java_names(text, index):
    assert f" at character {index + 1}" in broken_rule(text)


def test_rule_names_the_character():
    assert broken_rule('http://ho\u20ac"st/') == (
        'not hold """ (U+0022) at character 11; a URL has %22 for it'
    )
    assert broken_rule("http://h/\U0001f600\u3000") == (
        "not hold U+3000 at character 11; a URL has %E3%80%80 for it"
    )


def test_every_recorded_case_is_covered():
    covered = [*KEPT, *UNSENDABLE, *REFUSED_BY_JAVA, *NOT_OF_THE_WEB, *WITHOUT_A_PORT]
    covered.append(EMPTY)
    assert sorted(covered) == sorted(case["input"] for case in CASES)
    assert len(covered) == 434
    sizes = [len(KEPT), len(UNSENDABLE), len(REFUSED_BY_JAVA), len(NOT_OF_THE_WEB)]
    assert sizes == [148, 4, 250, 27]
    assert len(PLACES) == 174
