"""Which format a reply has, which URLs are one and the same, and what every reply carries."""

import pytest

from ..support.rows import CHILD, FULL, STRANGER, TABLES
from ..support.service import BASE, authorization, check_reply

ACCOUNT = f"/Accounts/{CHILD['sid']}"
LIST = f"{ACCOUNT}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
JSON, XML = "application/json", "application/xml"
ORIGIN = "https://console.example.com"

# The path and Accept of a request, and the format of its reply.
FORMATS = [
    (LIST, None, XML),
    (f"{LIST}.json", None, JSON),
    (f"{LIST}.xml", None, XML),
    (f"{LIST}.json/", None, JSON),
    (f"{LIST}.json/{FULL['sid']}", None, JSON),
    (f"{LIST}.json/{FULL['sid']}.xml", None, JSON),
    (f"{LIST}.xml/{FULL['sid']}.json", None, JSON),
    (f"{INSTANCE}.xml", None, XML),
    (f"/Accounts.json/{CHILD['sid']}/Applications", None, JSON),
    (f"{ACCOUNT}.json", None, JSON),
    ("/Accounts.json/", None, JSON),
    (f"{LIST}%2Ejson", None, JSON),
    (f"{LIST}.json;a=b", None, JSON),
    (f"{LIST};a=b.json", None, XML),
    (f"{LIST}?x=.json", None, XML),
    (LIST, "", XML),
    (LIST, "*/*", XML),
    (LIST, "text/plain", XML),
    (LIST, "application/xml", XML),
    (LIST, "application/json", JSON),
    (LIST, "text/json;q=0", JSON),
    (LIST, "application/xml, application/json;q=0.1", JSON),
    (LIST, "/", XML),
    (f"{LIST}.json", "application/xml", JSON),
    (f"{LIST}.xml", "application/json", XML),
]


@pytest.mark.parametrize("path, accept, media_type", FORMATS)
def test_read_chooses_the_format(service, path, accept, media_type):
    headers = {} if accept is None else {"Accept": accept}
    reply = service.request("GET", path, CHILD, headers=headers)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, media_type)


# A request, its status and its error code; each is sent with both suffixes.
ERRORS = {
    "target": ("GET", f"{LIST}%2F", CHILD, {}, 400, 20400),
    "parameter": ("POST", LIST, CHILD, {"data": {"Kind": "voice"}}, 400, 21401),
    "credentials": ("GET", LIST, None, {}, 401, 20003),
    "tenant": ("GET", LIST, STRANGER, {}, 403, 20006),
    "application": ("GET", f"{LIST}/AP{'9' * 32}", CHILD, {}, 404, 20404),
    "path": ("GET", "/Nothing", CHILD, {}, 404, 20404),
    "method": ("PUT", LIST, CHILD, {"data": {"FriendlyName": "x"}}, 405, 20405),
    "size": ("POST", LIST, CHILD, {"data": "x" * (2**20 + 1)}, 413, 20413),
    "media type": ("POST", LIST, CHILD, {"json": {"FriendlyName": "x"}}, 415, 20415),
}


@pytest.mark.parametrize(
    "method, path, account, options, status, code", ERRORS.values(), ids=ERRORS
)
def test_error_has_the_format_of_the_suffix(service, method, path, account, options, status, code):
    before = service.dump()
    reply = service.request(method, f"{path}.json", account, **options)
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, JSON)
    assert reply.json["code"] == code
    reply = service.request(method, f"{path}.xml", account, **options)
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, XML)
    assert f"<Code>{code}</Code>" in reply.text
    assert service.dump() == before


@pytest.mark.parametrize(
    "path",
    [
        f"{INSTANCE}/",
        f"{LIST}//{FULL['sid']}",
        f"//Accounts//{CHILD['sid']}//Applications//{FULL['sid']}//",
        f"/Accounts;v=1/{CHILD['sid']}/Applications/{FULL['sid']};x",
        f"/Accounts/{CHILD['sid'].replace('A', '%41', 1)}/Applications/{FULL['sid']}",
    ],
)
def test_read_serves_other_spellings_without_redirect(service, path):
    plain = service.request("GET", INSTANCE, CHILD)
    reply = service.request("GET", path, CHILD)
    assert (reply.status_code, reply.data) == (200, plain.data)


@pytest.mark.parametrize(
    "path",
    [
        f"{LIST}.json.json",
        f"{LIST}.json.xml",
        f"{LIST}.JSON",
        f"{ACCOUNT}/./Applications",
        f"{ACCOUNT}/applications",
        f"{LIST}%20",
        f"{LIST}%00",
        f"{LIST}%C3%A9",
        f"{LIST}/%252F",
        f"{LIST}/%252e%252e",
        f"{LIST}/../Applications",
    ],
)
def test_read_of_another_name_finds_nothing(service, path):
    assert service.request("GET", path, CHILD).status_code == 404


@pytest.mark.parametrize(
    "target",
    [f"{LIST}{c}" for c in '"<>\\^`{|}#é'] + [f"{LIST}?a={c}" for c in '"<{|}'] + [f"{LIST}%5C"],
)
def test_read_of_what_is_no_uri_is_refused(service, target):
    # Given raw: the test client would encode it.
    environ = {"RAW_URI": BASE + target}
    reply = service.request("GET", LIST, CHILD, environ_overrides=environ)
    assert (reply.status_code, reply.headers["Content-Type"]) == (400, XML)
    assert "<Code>20400</Code>" in reply.text
    assert "Cache-Control" not in reply.headers


@pytest.mark.parametrize(
    "path", [LIST, f"{INSTANCE}.json", f"{ACCOUNT}.json", "/Nothing", "/Logout", "/Health"]
)
@pytest.mark.parametrize("account", [CHILD, STRANGER, None], ids=["self", "stranger", "nobody"])
def test_head_is_get_without_a_body(service, path, account):
    request_id = {"X-Request-ID": "the-same"}
    got = service.request("GET", path, account, request_id)
    reply = service.request("HEAD", path, account, request_id)
    assert reply.data == b""
    assert reply.status_code == got.status_code
    assert dict(reply.headers) == dict(got.headers)


ALLOWED = {
    LIST: "GET, HEAD, OPTIONS, POST",
    INSTANCE: "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    ACCOUNT: "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    "/Accounts": "GET, HEAD, OPTIONS, POST",
    "/Logout": "GET, HEAD, OPTIONS",
    "/Health": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize("path, allowed", ALLOWED.items())
@pytest.mark.parametrize("suffix", ["", ".json"])
def test_options_names_the_methods(service, path, allowed, suffix):
    reply = service.request("OPTIONS", path + suffix)
    assert reply.status_code == 200
    assert set(reply.headers["Allow"].split(", ")) == set(allowed.split(", "))
    assert reply.data == b"" and "Content-Type" not in reply.headers


REFUSED = [
    (method, path, allowed)
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW")
    for path, allowed in ALLOWED.items()
    if method not in allowed.split(", ")
]


@pytest.mark.parametrize("method, path, allowed", REFUSED)
def test_other_methods_are_refused_with_allow(service, method, path, allowed):
    before = service.dump()
    reply = service.request(method, f"{path}.json", CHILD, data={"FriendlyName": "x"})
    assert reply.status_code == 405
    assert set(reply.headers["Allow"].split(", ")) == set(allowed.split(", "))
    assert (reply.json["code"], reply.json["message"]) == (
        20405,
        f"The resource allows {reply.headers['Allow']}",
    )
    assert service.dump() == before


@pytest.mark.parametrize("root, base", [("/", ""), ("/a/b", "/a/b"), ("/rest/", "/rest")])
def test_root_path_stands_in_urls_and_uris(make_service, root, base):
    service = make_service(ROOT_PATH=root)
    service.insert(TABLES)
    path = f"{base}/2012-04-24{INSTANCE}"
    reply = service.client.get(f"{path}.json", headers=authorization(CHILD))
    check_reply(reply.status_code, reply.headers["Content-Type"], reply.data)
    assert reply.json["uri"] == f"{path}.json"
    assert service.request("GET", INSTANCE, CHILD).status_code == 404


def test_timezone_is_that_of_dates(make_service):
    service = make_service(TIMEZONE="America/Sao_Paulo")
    service.insert(TABLES)
    reply = service.request("GET", f"{INSTANCE}.json", CHILD)
    assert reply.json["date_created"] == "Wed, 1 Jun 2016 10:00:00 -0300"


@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("suffix", ["", ".json"])
def test_remove_answers_the_status_of_the_setting(make_service, status, suffix):
    service = make_service(DELETE_STATUS=str(status))
    service.insert(TABLES)
    reply = service.request("DELETE", INSTANCE + suffix, CHILD)
    assert (reply.status_code, reply.data) == (status, b"")
    assert "Content-Type" not in reply.headers


CORS = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Allow-Headers": "origin, content-type, accept, authorization, "
    "if-match, if-none-match, idempotency-key, x-request-id",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After, X-Request-ID, Idempotent-Replayed",
    "Access-Control-Max-Age": "1209600",
}


@pytest.mark.parametrize(
    "method, path, account",
    [
        ("GET", LIST, CHILD),
        ("GET", f"{LIST}/AP1", CHILD),
        ("GET", LIST, None),
        ("OPTIONS", LIST, None),
        ("POST", LIST, CHILD),
    ],
)
def test_origin_of_the_setting_is_let_in_alone(make_service, method, path, account):
    service = make_service(CORS_ORIGINS=f"{ORIGIN} http://localhost:9000")
    service.insert(TABLES)
    reply = service.request(method, path, account, headers={"Origin": ORIGIN})
    assert {name: text for name, text in reply.headers if name.startswith("Access")} == CORS
    for origin in (f"{ORIGIN}:443", "https://console", "null", "", "http://evil.example"):
        reply = service.request(method, path, account, headers={"Origin": origin})
        assert not [name for name, _ in reply.headers if name.startswith("Access")]
