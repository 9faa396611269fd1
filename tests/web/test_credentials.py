"""Who is let in: every kind of bad credential, the right ones, and accounts that are not active.

What a caller may do once let in is told by test_tenancy and test_roles.
"""

import base64
import hashlib

import pytest

from ..support.rows import CHILD, FULL, STRANGER, TABLES, account_row, application_row
from ..support.service import BASE, Service, authorization

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
SID, TOKEN, PASSWORD = CHILD["sid"], CHILD["auth_token"], "child"
EMAIL = CHILD["email_address"]


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


NO_TOKEN = account_row("no-token", auth_token="")
# Its password would be the empty one.
EMPTY_PASSWORD = account_row("empty-password", auth_token=md5(""))
# A token that is no md5 of anything known.
RANDOM_TOKEN = account_row("random-token", auth_token="not-an-md5")
COLONS = account_row("colons", auth_token=md5("a:b::c:"))
ACCENTS = account_row("accents", auth_token=md5("pässwörd€"))
SPACES = account_row("spaces", auth_token=md5(" a b "))

NOT_ACTIVE = {
    status: account_row(status, status=status)
    for status in ("closed", "suspended", "inactive", "uninitialized")
}
ACCOUNTS = [NO_TOKEN, EMPTY_PASSWORD, RANDOM_TOKEN, COLONS, ACCENTS, SPACES, *NOT_ACTIVE.values()]

NOT_AUTHENTICATED = {
    "xml": b"""\
<RestcommResponse>
  <RestException>
    <Status>401</Status>
    <Code>20003</Code>
    <Message>Authenticate with an account sid or e-mail address and its auth token or password\
</Message>
    <MoreInfo>docs/errors.md#20003</MoreInfo>
  </RestException>
</RestcommResponse>""",
    "json": b"""\
{
  "status": 401,
  "code": 20003,
  "message": "Authenticate with an account sid or e-mail address and its auth token or password",
  "more_info": "docs/errors.md#20003"
}""",
}
ACCOUNT_NOT_ACTIVE = {
    "xml": b"""\
<RestcommResponse>
  <RestException>
    <Status>403</Status>
    <Code>20005</Code>
    <Message>Provided Account is not active</Message>
    <MoreInfo>docs/errors.md#20005</MoreInfo>
  </RestException>
</RestcommResponse>""",
    "json": b"""\
{
  "status": 403,
  "code": 20005,
  "message": "Provided Account is not active",
  "more_info": "docs/errors.md#20005"
}""",
}


def basic(user, password=None):
    """Give a Basic header's value; without a password there is no colon either."""
    octets = (user if isinstance(user, bytes) else user.encode()) + (
        b"" if password is None else b":" + password.encode()
    )
    return "Basic " + base64.b64encode(octets).decode()


RIGHT = basic(SID, TOKEN)
WRONG = basic(SID, "wrong")
CREDENTIALS = RIGHT.removeprefix("Basic ")

BAD = {
    # No header that can be read.
    "none": None,
    "empty header": "",
    "only the scheme": "Basic",
    "the scheme and a space": "Basic ",
    "no scheme": CREDENTIALS,
    "Bearer with the token": f"Bearer {TOKEN}",
    "Bearer with Basic's credentials": f"Bearer {CREDENTIALS}",
    "Digest": f'Digest username="{SID}", realm="Restcomm realm", nonce="", uri="/", response=""',
    "Negotiate": f"Negotiate {CREDENTIALS}",
    "upper-case scheme": f"BASIC {CREDENTIALS}",
    "lower-case scheme": f"basic {CREDENTIALS}",
    "tab separator": f"Basic\t{CREDENTIALS}",
    "colon separator": f"Basic: {CREDENTIALS}",
    "no separator": f"Basic{CREDENTIALS}",
    "two headers, the first wrong": f"{WRONG},{RIGHT}",
    "two headers, the first Bearer": f"Bearer {TOKEN}, {RIGHT}",
    # Not base64, or not of a pair.
    "credentials in plain text": f"Basic {SID}:{TOKEN}",
    "not base64": "Basic !!!!",
    "one character": "Basic A",
    "a character that encodes nothing": RIGHT.rstrip("=") + "AAA",
    "padding in the middle": f"Basic {CREDENTIALS[:30]}=={CREDENTIALS[30:]}",
    "wrong token without padding": WRONG.rstrip("="),
    "cut in half": RIGHT[: len(RIGHT) // 2],
    "only padding": "Basic ====",
    "encoded twice": "Basic " + base64.b64encode(CREDENTIALS.encode()).decode(),
    "no colon": basic(SID),
    "no colon, token only": basic(TOKEN),
    "NUL in the header": "Basic \0",
    "control characters in the header": "Basic \x01\x02\x7f",
    "non-ASCII in the header": "Basic caf\xe9",
    "100 kB of nothing": "Basic " + "A" * 100_000,
    "100 kB that are not base64": "Basic " + "!" * 100_000,
    # An empty part.
    "empty user": basic("", TOKEN),
    "empty password": basic(SID, ""),
    "empty both": basic("", ""),
    "empty password by e-mail": basic(EMAIL, ""),
    "empty stored token, empty password": basic(NO_TOKEN["sid"], ""),
    "empty stored token, some password": basic(NO_TOKEN["sid"], "no-token"),
    "empty stored token, md5 of nothing": basic(NO_TOKEN["sid"], md5("")),
    "empty stored token, no colon": basic(NO_TOKEN["sid"]),
    "empty password whose md5 is the token": basic(EMPTY_PASSWORD["sid"], ""),
    # A wrong part.
    "wrong token": basic(SID, "0" * 32),
    "wrong password": basic(SID, "kid"),
    "wrong password by e-mail": basic(EMAIL, "kid"),
    "token cut by one": basic(SID, TOKEN[:-1]),
    "token and one more": basic(SID, TOKEN + "0"),
    "token and a space": basic(SID, TOKEN + " "),
    "token and a line feed": basic(SID, TOKEN + "\n"),
    "token and a NUL": basic(SID, TOKEN + "\0"),
    "token in upper case": basic(SID, TOKEN.upper()),
    "password in upper case": basic(SID, PASSWORD.upper()),
    "password and a NUL": basic(SID, PASSWORD + "\0"),
    "md5 of the token": basic(SID, md5(TOKEN)),
    "another account's token": basic(SID, STRANGER["auth_token"]),
    "another account's sid": basic(STRANGER["sid"], TOKEN),
    "100 kB password": basic(SID, "a" * 100_000),
    "100 kB user": basic("a" * 100_000, TOKEN),
    "a wildcard for the password": basic(SID, "%"),
    # Nobody.
    "unknown sid": basic("AC" + "f" * 32, TOKEN),
    "unknown e-mail": basic("nobody@example.com", TOKEN),
    "sid in another case": basic(SID.lower(), TOKEN),
    "a space and the sid": basic(" " + SID, TOKEN),
    "sid and a tab": basic(SID + "\t", TOKEN),
    "sid and a space beyond ASCII": basic(SID + "\xa0", TOKEN),
    "sid with a space in it": basic(f"{SID[:10]} {SID[10:]}", TOKEN),
    "sid and a space, wrong token": basic(SID + " ", "0" * 32),
    "spaces for the user": basic("   ", TOKEN),
    "sid and a NUL": basic(SID + "\0", TOKEN),
    "e-mail in another case": basic(EMAIL.upper(), TOKEN),
    "e-mail with a capital": basic(EMAIL.capitalize(), PASSWORD),
    "a space and the e-mail": basic(" " + EMAIL, TOKEN),
    "e-mail percent-encoded": basic(EMAIL.replace("@", "%40"), TOKEN),
    "friendly name": basic(CHILD["friendly_name"], TOKEN),
    "friendly name and password": basic(CHILD["friendly_name"], PASSWORD),
    "token for user": basic(TOKEN, TOKEN),
    "application sid": basic(FULL["sid"], TOKEN),
    "a wildcard for the user": basic("%", TOKEN),
    "SQL for the user": basic("' OR '1'='1", TOKEN),
    "control characters": basic("\x01\x02", "\x03"),
    "line feeds": basic(f"{SID}\r\nX: y", TOKEN),
    "not UTF-8": basic(b"\xff\xfe" + SID.encode(), TOKEN),
    "not UTF-8, empty password": basic(b"\xe9:"),
    "4-byte characters": basic("\U0001f600", "\U0001f600"),
}

GOOD = {
    "sid and token": basic(SID, TOKEN),
    "sid and password": basic(SID, PASSWORD),
    "e-mail and token": basic(EMAIL, TOKEN),
    "e-mail and password": basic(EMAIL, PASSWORD),
    "two headers, the first right": f"{RIGHT},{WRONG}",
    "something after a space": f"{RIGHT} more",
    "without padding": RIGHT.rstrip("="),
    "without one of two": RIGHT.removesuffix("="),
    "more padding than needed": f"{RIGHT}====",
    "without padding, of two headers the first": f"{RIGHT.rstrip('=')},{WRONG}",
    "bits left over": basic(SID, TOKEN + "x").rstrip("=")[:-1],
    "what is no base64 between": f"Basic {CREDENTIALS[:9]}*{CREDENTIALS[9:].rstrip('=')}",
    "sid and a space": basic(SID + " ", TOKEN),
    "sid and spaces, password": basic(SID + "   ", PASSWORD),
    "e-mail and a space": basic(EMAIL + " ", TOKEN),
    "e-mail and a space, without padding": basic(EMAIL + "  ", PASSWORD).rstrip("="),
}
GOOD_OF_OTHERS = {
    "a token that is no md5": (RANDOM_TOKEN, "not-an-md5"),
    "the token whose password is empty": (EMPTY_PASSWORD, md5("")),
    "a password with colons": (COLONS, "a:b::c:"),
    "a password beyond ASCII": (ACCENTS, "pässwörd€"),
    "a password with spaces": (SPACES, " a b "),
}

both_formats = pytest.mark.parametrize("suffix", ["xml", "json"])

# method, path below the base, body; every one of them needs credentials.
REQUESTS = {
    "list": ("GET", LIST, None),
    "create": ("POST", LIST, {"FriendlyName": "x"}),
    "read": ("GET", INSTANCE, None),
    "update": ("POST", INSTANCE, {"FriendlyName": "x"}),
    "update by PUT": ("PUT", INSTANCE, {"FriendlyName": "x"}),
    "remove": ("DELETE", INSTANCE, None),
    "read an account": ("GET", f"/Accounts/{SID}", None),
    "list accounts": ("GET", "/Accounts", None),
    "unknown account": ("GET", f"/Accounts/AC{'f' * 32}/Applications", None),
    "unknown application": ("GET", f"{LIST}/AP{'f' * 32}", None),
    "unknown path": ("GET", "/Nothing", None),
    "unknown path by POST": ("POST", "/Nothing", {"FriendlyName": "x"}),
    "the base itself": ("GET", "/", None),
    "unknown method": ("PATCH", LIST, {"FriendlyName": "x"}),
    "method not allowed": ("DELETE", LIST, None),
    "options of an unknown path": ("OPTIONS", "/Nothing", None),
    "wrong parameter": ("POST", LIST, {"Kind": "fax"}),
    "below Health": ("GET", "/Health/x", None),
    "below Logout": ("GET", "/Logout/x", None),
    "an application named Logout": ("GET", f"{LIST}/Logout", None),
}
# At its first login an uninitialized account reads itself.
REFUSED = [
    (status, name)
    for status in NOT_ACTIVE
    for name in REQUESTS
    if (status, name) != ("uninitialized", "read an account")
]
every_request = pytest.mark.parametrize(
    ("method", "path", "form"), REQUESTS.values(), ids=list(REQUESTS)
)


@pytest.fixture(scope="module")
def service(make_database_url):
    """The application with default settings; no test changes a row."""
    url = make_database_url()
    service = Service(url, LOG_LEVEL="warning")
    service.insert(TABLES | {"restcomm_accounts": [*TABLES["restcomm_accounts"], *ACCOUNTS]})
    service.insert(
        {
            "restcomm_applications": [
                application_row(number, account)
                for number, account in enumerate(NOT_ACTIVE.values(), 100)
            ]
        }
    )
    yield service
    service.close()


def headers_of(value):
    return {} if value is None else {"Authorization": value}


def check_not_authenticated(reply, suffix):
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="Restcomm realm"'
    assert reply.headers["Content-Type"] == f"application/{suffix}"
    assert reply.data == NOT_AUTHENTICATED[suffix]


@both_formats
@pytest.mark.parametrize("value", BAD.values(), ids=list(BAD))
def test_list_refuses_bad_credentials(service, value, suffix):
    reply = service.request("GET", f"{LIST}.{suffix}", headers=headers_of(value))
    check_not_authenticated(reply, suffix)


@pytest.mark.parametrize("value", BAD.values(), ids=list(BAD))
def test_create_refuses_bad_credentials_and_creates_nothing(service, value):
    before = service.dump()
    reply = service.request(
        "POST", f"{LIST}.json", headers=headers_of(value), data={"FriendlyName": "x"}
    )
    check_not_authenticated(reply, "json")
    assert service.dump() == before


@both_formats
@pytest.mark.parametrize("value", [None, WRONG], ids=["none", "wrong"])
@every_request
def test_request_refuses_bad_credentials_first(service, method, path, form, value, suffix):
    before = service.dump()
    headers = {"Accept": f"application/{suffix}", **headers_of(value)}
    reply = service.request(method, path, headers=headers, data=form)
    check_not_authenticated(reply, suffix)
    assert service.dump() == before


@pytest.mark.parametrize(
    "path",
    ["/", "/restcomm", "/restcomm/", "/2012-04-24/Accounts", "/restcomm/2010-04-01/Accounts"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "OPTIONS"])
def test_request_outside_the_base_needs_credentials_to_learn_of_nothing(service, method, path):
    anonymous = service.client.open(path, method=method)
    check_not_authenticated(anonymous, "xml")
    known = service.client.open(path, method=method, headers=authorization(CHILD))
    assert known.status_code == 404
    assert b"<Code>20404</Code>" in known.data


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/Nothing", "/Account", f"{INSTANCE}/Numbers", "/Logout/x", "/accounts"]
)
@both_formats
def test_unknown_path_is_told_only_to_an_account(service, path, method, suffix):
    path = f"{path}.{suffix}"
    check_not_authenticated(service.request(method, path), suffix)
    reply = service.request(method, path, CHILD)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == f"application/{suffix}"
    assert b"20404" in reply.data


@pytest.mark.parametrize("value", GOOD.values(), ids=list(GOOD))
def test_list_accepts_right_credentials(service, value):
    reply = service.request("GET", f"{LIST}.json", headers={"Authorization": value})
    assert reply.status_code == 200
    assert [each["account_sid"] for each in reply.json] == [SID] * 4


@pytest.mark.parametrize(("account", "password"), GOOD_OF_OTHERS.values(), ids=list(GOOD_OF_OTHERS))
@pytest.mark.parametrize("user", ["sid", "email_address"])
def test_list_accepts_an_odd_token_or_password(service, account, password, user):
    header = {"Authorization": basic(account[user], password)}
    reply = service.request("GET", f"/Accounts/{account['sid']}/Applications.json", headers=header)
    assert reply.status_code == 200
    assert reply.json == []


@both_formats
@pytest.mark.parametrize(("status", "name"), REFUSED)
def test_account_that_is_not_active_is_refused_everywhere(service, status, name, suffix):
    method, path, form = REQUESTS[name]
    before = service.dump()
    account = NOT_ACTIVE[status]
    own = path.replace(SID, account["sid"])
    headers = {"Accept": f"application/{suffix}"}
    reply = service.request(method, own, account, headers, data=form)
    assert reply.status_code == 403
    assert reply.headers["Content-Type"] == f"application/{suffix}"
    assert reply.data == ACCOUNT_NOT_ACTIVE[suffix]
    assert "WWW-Authenticate" not in reply.headers
    assert service.dump() == before


@pytest.mark.parametrize("status", NOT_ACTIVE)
def test_account_that_is_not_active_is_told_so_only_with_right_credentials(service, status):
    account = NOT_ACTIVE[status]
    path = f"/Accounts/{account['sid']}/Applications"
    for user in (account["sid"], account["email_address"]):
        for password in (account["auth_token"], status):
            header = {"Authorization": basic(user, password)}
            assert service.request("GET", path, headers=header).data == ACCOUNT_NOT_ACTIVE["xml"]
        wrong = service.request("GET", path, headers={"Authorization": basic(user, "wrong")})
        check_not_authenticated(wrong, "xml")


@pytest.mark.parametrize(
    "value",
    [None, WRONG, RIGHT, "Bearer x", *(basic(row["sid"], key) for key, row in NOT_ACTIVE.items())],
    ids=["none", "wrong", "right", "Bearer", *NOT_ACTIVE],
)
@pytest.mark.parametrize("path", ["/Logout", "/Logout/", "/Logout.json", "//Logout", "/Logout;a=b"])
def test_logout_asks_for_no_credentials(service, path, value):
    reply = service.request("GET", path, headers=headers_of(value))
    assert (reply.status_code, reply.data) == (200, b"OK")
    assert "WWW-Authenticate" not in reply.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@both_formats
def test_logout_allows_only_reading(service, method, suffix):
    reply = service.request(method, f"/Logout.{suffix}")
    assert reply.status_code == 405
    assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert b"20405" in reply.data


@pytest.mark.parametrize("value", [None, WRONG, RIGHT], ids=["none", "wrong", "right"])
@pytest.mark.parametrize(
    "path",
    [
        *(LIST, f"{LIST}.json", INSTANCE, "/Accounts/x/Applications"),
        *("/Accounts", f"/Accounts/{SID}", "/Logout"),
    ],
)
def test_options_of_a_known_path_asks_for_no_credentials(service, path, value):
    reply = service.request("OPTIONS", path, headers=headers_of(value))
    assert (reply.status_code, reply.data) == (200, b"")
    assert {"GET", "HEAD", "OPTIONS"} <= set(reply.headers["Allow"].split(", "))
    assert "WWW-Authenticate" not in reply.headers


def test_credentials_in_the_query_or_the_url_count_for_nothing(service):
    for path in (f"{LIST}?Authorization={RIGHT[6:]}", f"{LIST}?AccountSid={SID}&AuthToken={TOKEN}"):
        check_not_authenticated(service.request("GET", path), "xml")
    reply = service.client.get(BASE + LIST, base_url=f"http://{SID}:{TOKEN}@localhost/")
    check_not_authenticated(reply, "xml")


@both_formats
def test_head_without_credentials_has_the_headers_of_a_refusal(service, suffix):
    reply = service.request("HEAD", f"{LIST}.{suffix}")
    assert (reply.status_code, reply.data) == (401, b"")
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="Restcomm realm"'
    assert reply.headers["Content-Length"] == str(len(NOT_AUTHENTICATED[suffix]))
