"""Web pages of other sites: what a browser says of them decides what they may change."""

import logging

import pytest
from lxml import etree

from ..support.rows import CHILD, FULL, PARENT, TABLES
from ..support.service import BASE, authorization

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
FORM = {"FriendlyName": "x"}
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
WELCOME = "https://console.example.com"

# method, path, body: every route that changes something, and what is none.
CHANGES = {
    "create": ("POST", LIST, FORM),
    "update": ("POST", INSTANCE, FORM),
    "update by PUT": ("PUT", INSTANCE, FORM),
    "update by PATCH": ("PATCH", INSTANCE, FORM),
    "remove": ("DELETE", INSTANCE, None),
    "bulk": ("POST", f"{LIST}/Bulk", '{"FriendlyName": "x"}'),
    "create an account": (
        "POST",
        "/Accounts",
        {"EmailAddress": "x@example.com", "Password": "x" * 8},
    ),
    "password": ("POST", f"/Accounts/{CHILD['sid']}", {"Password": "x" * 8}),
    "status": ("PUT", f"/Accounts/{CHILD['sid']}", {"Status": "closed"}),
    "close": ("DELETE", f"/Accounts/{CHILD['sid']}", None),
    "unknown path": ("POST", "/Nothing", FORM),
    "the base itself": ("POST", "/", FORM),
    "Logout": ("POST", "/Logout", FORM),
    "Health": ("DELETE", "/Health", None),
    "method not allowed": ("DELETE", LIST, None),
    "foreign account": ("POST", f"/Accounts/{PARENT['sid']}/Applications", FORM),
    "another media type": ("POST", LIST, "<x/>"),
}


@pytest.fixture(scope="module")
def database_url(make_database_url):
    """One database for all tests; each begins with the rows of its own service."""
    return make_database_url()


def send(service, headers, host="localhost", method="POST", path=LIST, account=CHILD, **options):
    """Send a change with a browser's headers; give the reply."""
    options.setdefault("data", FORM)
    return service.request(
        method, path, account, headers, environ_overrides={"HTTP_HOST": host}, **options
    )


def told(reply):
    """Give the status, the code and the message of an error in XML."""
    exception = etree.fromstring(reply.data)[0]
    return reply.status_code, exception.findtext("Code"), exception.findtext("Message")


def assert_refused(reply):
    """Assert the one refusal."""
    status, code, message = told(reply)
    assert (status, code) == (403, "20403")
    assert "CORS_ORIGINS" in message
    assert reply.headers["Vary"] == "Origin"
    assert "WWW-Authenticate" not in reply.headers
    assert not [name for name, _ in reply.headers if name.startswith("Access")]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize(
    "account", [CHILD, None, CHILD | {"auth_token": "wrong"}], ids=["right", "none", "wrong"]
)
def test_page_of_another_site_changes_nothing(service, method, path, body, account):
    before = service.dump()
    assert_refused(send(service, EVIL, method=method, path=path, account=account, data=body))
    assert service.dump() == before


def test_page_of_another_site_learns_no_path_outside_the_base(service):
    reply = service.client.post("/elsewhere", headers=EVIL)
    assert_refused(reply)


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_refusal_comes_in_the_requests_format(service, suffix):
    reply = send(service, EVIL, path=f"{LIST}.{suffix}")
    assert (reply.status_code, reply.headers["Content-Type"]) == (403, f"application/{suffix}")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_page_of_another_site_may_ask_for_what_it_cannot_read(service, method):
    reply = service.request(method, LIST, CHILD, EVIL)
    assert reply.status_code == (405 if method == "TRACE" else 200)
    assert "Origin" not in reply.headers.get("Vary", "")


def test_forms_of_another_site_lock_nobody_out(make_service):
    service = make_service(LOGIN_LIMIT="3/hour")
    service.insert(TABLES)
    for _ in range(40):
        assert_refused(send(service, EVIL, account=CHILD | {"auth_token": "wrong"}))
    assert send(service, {}).status_code == 200


def test_links_with_wrong_credentials_lock_nobody_out(make_service):
    """A page can lead its reader's browser to them; it cannot hide that it did."""
    service = make_service(LOGIN_LIMIT="3/hour")
    service.insert(TABLES)
    wrong = CHILD | {"auth_token": "wrong"}
    led = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    statuses = [service.request("GET", LIST, wrong, led).status_code for _ in range(40)]
    # It is no way to guess on: what is counted apart has the same limit.
    assert statuses == [401] * 3 + [429] * 37
    assert service.request("GET", LIST, CHILD, led).status_code == 429
    assert service.request("GET", LIST, CHILD).status_code == 200
    statuses = [service.request("GET", LIST, wrong).status_code for _ in range(4)]
    assert statuses == [401] * 3 + [429]


# Sec-Fetch-Site decides where it is sent, whatever Origin says.
SITES = {
    "same-origin": True,
    "none": True,
    "same-site": False,
    "cross-site": False,
    "": False,
    "Same-Origin": False,
    "same-origin, cross-site": False,
    "same-origin,same-origin": False,
    "none, none": False,
    "anything": False,
}


@pytest.mark.parametrize("origin", [None, "http://localhost", "https://evil.example", "null"])
@pytest.mark.parametrize(("site", "may"), SITES.items())
def test_site_that_the_browser_names_decides(service, site, may, origin):
    headers = {"Sec-Fetch-Site": site} | ({} if origin is None else {"Origin": origin})
    assert send(service, headers).status_code == (200 if may else 403)


def test_site_that_is_named_twice_is_another(service):
    headers = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]
    for each in (headers, headers[::-1], headers[:1] * 2):
        reply = service.client.post(BASE + LIST, headers=each, data=FORM)
        assert reply.status_code == 403


# Origin, Host; without Sec-Fetch-Site.
OWN = [
    ("http://localhost", "localhost"),
    ("http://localhost:8080", "localhost:8080"),
    ("http://LocalHost:8080", "localhost:8080"),
    ("http://apps.example.com", "Apps.Example.COM"),
    # TLS ends at a proxy that writes the port or does not.
    ("https://apps.example.com", "apps.example.com"),
    ("https://apps.example.com", "apps.example.com:443"),
    ("https://apps.example.com", "apps.example.com:"),
    ("http://apps.example.com", "apps.example.com:80"),
    ("https://apps.example.com:8443", "apps.example.com:8443"),
    ("https://apps.example.com:443", "apps.example.com"),
    ("http://apps_1:8080", "apps_1:8080"),
    ("http://192.0.2.1:8080", "192.0.2.1:8080"),
    ("http://[::1]", "[::1]"),
    ("http://[::1]:8080", "[::1]:8080"),
    ("https://[2001:db8::a]", "[2001:DB8::A]:443"),
    ("http://xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
]
FOREIGN = [
    ("https://evil.example", "localhost"),
    ("null", "localhost"),
    ("null", "null"),
    ("", "localhost"),
    ("", ""),
    ("http://localhost:8081", "localhost:8080"),
    ("http://localhost", "localhost:8080"),
    ("http://localhost:8080", "localhost"),
    ("http://apps.example.com", "apps.example.com:443"),
    ("https://apps.example.com", "apps.example.com:80"),
    ("https://apps.example.com:80", "apps.example.com"),
    ("http://apps.example.com.", "apps.example.com"),
    ("http://apps.example.com.evil.example", "apps.example.com"),
    ("http://evil.example/apps.example.com", "apps.example.com"),
    ("http://apps.example.com@evil.example", "apps.example.com"),
    ("http://evil.example?apps.example.com", "apps.example.com"),
    ("http://evil.example#apps.example.com", "apps.example.com"),
    ("http://www.apps.example.com", "apps.example.com"),
    ("http://apps", "apps.example.com"),
    ("http://[::2]", "[::1]"),
    ("http://[::1]:8081", "[::1]:8080"),
    ("http://[::1", "[::1"),
    # Not of the web, or no origin.
    ("file://", "localhost"),
    ("ftp://localhost", "localhost"),
    ("chrome-extension://localhost", "localhost"),
    ("localhost", "localhost"),
    ("//localhost", "localhost"),
    ("http://localhost/", "localhost"),
    ("http://localhost, http://localhost", "localhost"),
    ("http://localhost http://evil.example", "localhost"),
    ("http://localhost\thttp://evil.example", "localhost"),
    # Such a Host is nobody's.
    ("http://localhost", "localhost, evil.example"),
    ("http://localhost", "localhost/"),
    ("http://localhost", "localhost:port"),
    ("http://localhost", "user@localhost"),
    ("http://localhost", ""),
    ("http://localhost:123456", "localhost:123456"),
    ("http://localhost:\u0661", "localhost:1"),
]


@pytest.mark.parametrize(("origin", "host"), OWN)
def test_page_of_the_same_host_and_port_may_change(service, origin, host):
    assert send(service, {"Origin": origin}, host).status_code == 200


@pytest.mark.parametrize(("origin", "host"), FOREIGN)
def test_page_of_any_other_origin_may_not(service, origin, host):
    before = service.dump()
    assert_refused(send(service, {"Origin": origin.encode().decode("latin-1")}, host))
    assert service.dump() == before


def test_page_that_names_two_origins_may_not(service):
    headers = [("Origin", "http://localhost"), ("Origin", "http://localhost")]
    assert_refused(service.client.post(BASE + LIST, headers=headers, data=FORM))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": WELCOME},
        {"Origin": WELCOME, "Sec-Fetch-Site": "cross-site"},
        {"Origin": WELCOME, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_page_of_an_origin_of_the_setting_may_change_and_read(make_service, headers):
    service = make_service(CORS_ORIGINS=f"http://a.example {WELCOME}")
    service.insert(TABLES)
    reply = send(service, headers)
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == WELCOME


@pytest.mark.parametrize(
    "headers",
    [
        EVIL,
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"{WELCOME}, {WELCOME}"},
        {"Origin": f"{WELCOME}:443"},
        {"Origin": f"{WELCOME}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_setting_lets_no_other_page_in(make_service, headers):
    service = make_service(CORS_ORIGINS=WELCOME)
    service.insert(TABLES)
    assert_refused(send(service, headers))


# What a proxy says of the host.


@pytest.mark.parametrize(
    ("trusted", "forwarded", "status"),
    [
        ("", "apps.example.com", 403),
        ("10.0.0.0/8", "apps.example.com", 403),
        ("127.0.0.1", "apps.example.com", 200),
        ("127.0.0.1", "Apps.example.com:443", 200),
        ("127.0.0.1", "forged.example, apps.example.com", 200),
        ("127.0.0.1", "apps.example.com, inner", 403),
        ("127.0.0.1", "evil.example", 403),
        ("127.0.0.1", "", 403),
        ("127.0.0.1", "apps.example.com/x", 403),
    ],
)
def test_trusted_proxy_alone_names_the_host(make_service, trusted, forwarded, status):
    service = make_service(TRUSTED_PROXIES=trusted)
    service.insert(TABLES)
    headers = {"Origin": "https://apps.example.com", "X-Forwarded-Host": forwarded}
    assert send(service, headers, host="inner:8080").status_code == status


def test_proxy_that_names_no_host_leaves_it(make_service):
    service = make_service(TRUSTED_PROXIES="127.0.0.1")
    service.insert(TABLES)
    headers = {"Origin": "https://apps.example.com", "X-Forwarded-For": "192.0.2.1"}
    assert send(service, headers, host="apps.example.com").status_code == 200


# Over a socket, where the server reads the headers.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        (EVIL, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 200),
    ],
    ids=["no browser", "both headers", "only the origin", "the same origin"],
)
def test_server_passes_on_what_the_browser_says(make_gunicorn, service, headers, status):
    gunicorn = make_gunicorn().start()
    reply = gunicorn.request("POST", LIST, CHILD, b"FriendlyName=x", headers)
    assert reply[0] == status
    own = {"Origin": gunicorn.url}
    assert gunicorn.request("POST", LIST, CHILD, b"FriendlyName=x", own)[0] == 200


# The log, and caches.


@pytest.mark.parametrize("origin", ["https://evil.example", "a\x1b[2J" + "x" * 5000])
def test_log_tells_which_page_was_refused(service, caplog, origin):
    with caplog.at_level(logging.INFO, logger="restcomm_apps"):
        send(service, {"Origin": origin})
    line = caplog.messages[-1]
    assert f"403 a page of another site, origin {origin[:100]!a}; account" in line
    assert line.isprintable() and len(line) < 400


@pytest.mark.parametrize("origin", [None, WELCOME, "https://evil.example"])
@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", LIST),
        ("GET", INSTANCE),
        ("OPTIONS", LIST),
        ("POST", LIST),
        ("GET", "/Nothing"),
        ("GET", "/Logout"),
    ],
)
def test_caches_keep_replies_for_each_origin_apart(make_service, method, path, origin):
    service = make_service(CORS_ORIGINS=WELCOME)
    service.insert(TABLES)
    headers = {} if origin is None else {"Origin": origin}
    reply = service.request(method, path, CHILD, headers, data=FORM if method == "POST" else None)
    vary = reply.headers.getlist("Vary")
    assert len(vary) == 1
    assert "Origin" in vary[0].split(", ")
    compressible = (method, path) == ("GET", LIST)
    assert ("Accept-Encoding" in vary[0].split(", ")) == compressible


def test_caches_keep_a_compressed_and_a_known_list_apart(make_service):
    service = make_service(CORS_ORIGINS=WELCOME)
    service.insert(TABLES)
    headers = {"Origin": WELCOME, "Accept-Encoding": "gzip"}
    reply = service.client.get(BASE + LIST, headers=headers | authorization(CHILD))
    assert reply.headers["Content-Encoding"] == "gzip"
    assert set(reply.headers["Vary"].split(", ")) == {"Accept-Encoding", "Origin"}
    known = service.request("GET", LIST, CHILD, headers | {"If-None-Match": reply.headers["ETag"]})
    assert (known.status_code, known.headers["Vary"]) == (304, reply.headers["Vary"])


PREFLIGHT = {"Origin": WELCOME, "Access-Control-Request-Method": "PATCH"}


def test_preflight_names_what_pages_need(make_service):
    service = make_service(CORS_ORIGINS=WELCOME)
    reply = service.request("OPTIONS", INSTANCE, headers=PREFLIGHT)
    assert reply.status_code == 200
    methods = reply.headers["Access-Control-Allow-Methods"].split(", ")
    assert set(methods) >= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    allowed = reply.headers["Access-Control-Allow-Headers"].split(", ")
    assert set(allowed) >= {
        "authorization",
        "content-type",
        "if-match",
        "if-none-match",
        "idempotency-key",
    }


@pytest.mark.parametrize("path", ["/Accounts/x/IncomingPhoneNumbers.json", "/Nothing"])
def test_preflight_of_what_is_not_there_lets_the_request_tell_it(make_service, path):
    service = make_service(CORS_ORIGINS=WELCOME)
    service.insert(TABLES)
    assert service.request("OPTIONS", path, headers=PREFLIGHT).status_code == 200
    assert service.request("GET", path, CHILD, {"Origin": WELCOME}).status_code == 404
    others = service.request(
        "OPTIONS", path, headers=PREFLIGHT | {"Origin": "https://other.example"}
    )
    assert others.status_code == 401


def test_page_of_an_origin_of_the_setting_may_read_what_it_goes_on_with(make_service):
    service = make_service(CORS_ORIGINS=WELCOME)
    service.insert(TABLES)
    reply = service.request("GET", INSTANCE, CHILD, {"Origin": WELCOME})
    exposed = reply.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"ETag", "X-Request-ID"} <= set(exposed) & set(reply.headers.keys())
