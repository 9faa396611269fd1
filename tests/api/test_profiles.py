"""Profiles: which one the Link of an account names, and what is answered there."""

from contextlib import closing

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ..support.databases import ENGINE, connect_directly
from ..support.rows import (
    CHILD,
    DATE,
    GRANDCHILD,
    ORGANIZATION,
    PARENT,
    STRANGER,
    TABLES,
    account_row,
)
from ..support.service import BASE, PROFILE_TYPE, authorization

DEFAULT = "PRae6e420f425248d6a26948c17a9e2acf"
OWN, PARENTS, ORGANIZATIONS, GONE = (f"PR{digit * 32}" for digit in "1234")
DOCUMENT = '{\n    "featureEnablement": {"subaccountsCreation": {"limit": 3}},\n "name": "é<&>"}'
# As a Restcomm makes them.
TABLES_OF_PROFILES = (
    "CREATE TABLE restcomm_profiles (sid VARCHAR(34) NOT NULL PRIMARY KEY, "
    "document {type} NOT NULL, date_created DATETIME NOT NULL, date_updated DATETIME NOT NULL)",
    "CREATE TABLE restcomm_profile_associations (target_sid VARCHAR(34) NOT NULL PRIMARY KEY, "
    "profile_sid VARCHAR(34) NOT NULL, date_created DATETIME NOT NULL, "
    "date_updated DATETIME NOT NULL)",
)
LONG_TEXT = "LONGTEXT CHARACTER SET utf8mb4" if ENGINE == "mariadb" else "LONGTEXT"


@pytest.fixture
def make_profiles(make_service, database_url):
    """A function that makes the application on a database with profiles: {sid: document}, and
    associations: {sid of an account or organization: sid of a profile}.
    """

    def make(documents, associations=(), type=LONG_TEXT, **settings):
        make_service()
        with closing(connect_directly(database_url)) as connection:
            for statement in TABLES_OF_PROFILES:
                connection.execute(statement.format(type=type))
            add = "INSERT INTO restcomm_profiles VALUES (?, ?, ?, ?)"
            for sid, document in documents.items():
                connection.execute(add, [sid, document, DATE, DATE])
            associate = "INSERT INTO restcomm_profile_associations VALUES (?, ?, ?, ?)"
            for target, sid in dict(associations).items():
                connection.execute(associate, [target, sid, DATE, DATE])
            connection.commit()
        # Looks at the tables anew.
        service = make_service(**settings)
        service.insert(TABLES)
        return service

    return make


def link_of(service, account, caller=None, **options):
    """Give the URL in the Link of an account's reply."""
    reply = service.request("GET", f"/Accounts/{account['sid']}", caller or account, **options)
    url, _, parameters = reply.headers["Link"].partition(">")
    assert parameters == ';rel=related;title="Profiles"'
    return url.removeprefix("<")


def sid_in_link(service, account):
    """Give the sid of the profile that an account's Link names."""
    url, _, sid = link_of(service, account).rpartition("/")
    assert url == f"http://localhost{BASE}/Profiles"
    return sid


def read_profile(service, sid=DEFAULT, caller=CHILD, method="GET", suffix=""):
    return service.request(method, f"/Profiles/{sid}{suffix}", caller)


@pytest.mark.parametrize("role", ["Administrator", "Developer", "Guest", "NoSuchRole"])
def test_every_account_reads_the_default_profile(service, role):
    """FAULTS 14: what AdminUI reads allows sub-accounts and numbers."""
    account = account_row("reader", PARENT, role=role)
    service.insert({"restcomm_accounts": [account]})
    reply = read_profile(service, caller=account)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, PROFILE_TYPE)
    assert reply.headers["Cache-Control"] == "private"
    features = reply.json["featureEnablement"]
    assert features["subaccountsCreation"] == {}
    assert features["DIDPurchase"]["allowedCountries"] == ["US"]


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*", "application/xml"])
@pytest.mark.parametrize("suffix", ["", ".json", ".xml", "/"])
def test_profile_is_json_whatever_is_asked_for(service, suffix, accept):
    reply = service.request("GET", f"/Profiles/{DEFAULT}{suffix}", CHILD, {"Accept": accept})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, PROFILE_TYPE)


def test_profile_asks_for_credentials(service):
    assert read_profile(service, caller=None).status_code == 401
    assert read_profile(service, caller=CHILD | {"auth_token": "wrong"}).status_code == 401


@pytest.mark.parametrize("status", ["suspended", "inactive", "closed"])
def test_profile_is_refused_to_an_account_that_may_not_call(service, status):
    account = account_row("ended", PARENT, status=status)
    service.insert({"restcomm_accounts": [account]})
    assert read_profile(service, caller=account).status_code == 403


def test_profile_is_shown_at_the_first_login(service):
    """What its own Link names is answered to an uninitialized account too."""
    account = account_row("new", PARENT, status="uninitialized")
    service.insert({"restcomm_accounts": [account]})
    assert read_profile(service, sid_in_link(service, account), account).status_code == 200


def test_profile_answers_head_and_options(service):
    head = read_profile(service, method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(read_profile(service).data))
    options = read_profile(service, caller=None, method="OPTIONS")
    assert (options.status_code, set(options.allow)) == (200, {"GET", "HEAD", "OPTIONS"})


@pytest.mark.parametrize("suffix", ["", ".json"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_profile_cannot_be_changed(service, method, suffix):
    reply = read_profile(service, method=method, suffix=suffix)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert reply.headers["Content-Type"] == f"application/{suffix.lstrip('.') or 'xml'}"


@pytest.mark.parametrize("sid", [OWN, "PR1", "x", "AC" + "1" * 32, DEFAULT.lower(), "%00"])
@pytest.mark.parametrize("suffix", ["", ".json"])
def test_unknown_profile_is_not_found_in_the_format_asked_for(service, sid, suffix):
    reply = read_profile(service, sid, suffix=suffix)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == f"application/{suffix.lstrip('.') or 'xml'}"


def test_there_is_no_list_of_profiles(service):
    assert service.request("GET", "/Profiles", PARENT).status_code == 404


def test_profile_is_the_stored_document_to_the_letter(make_profiles):
    service = make_profiles({DEFAULT: DOCUMENT, OWN: '{"a":1}'})
    assert read_profile(service).data == DOCUMENT.encode()
    assert read_profile(service, OWN).data == b'{"a":1}'
    assert read_profile(service, GONE).status_code == 404
    assert read_profile(service, OWN.replace("PR", "pr")).status_code == 404


ODD = {
    "empty": "",
    "no JSON": "(the default plan)",
    "an array": "[]",
    "a text": '"{}"',
    "not a number": '{"a": NaN}',
    "cut": DOCUMENT[:-1],
    "deep": '{"a":' * 5000,
}


@pytest.mark.parametrize("name", ODD)
def test_own_document_stands_in_for_what_is_none(make_profiles, name):
    service = make_profiles({OWN: ODD[name], DEFAULT: ODD[name]}, {CHILD["sid"]: OWN})
    assert sid_in_link(service, CHILD) == OWN
    for sid in (OWN, DEFAULT):
        features = read_profile(service, sid).json["featureEnablement"]
        assert features["subaccountsCreation"] == {}


@pytest.mark.parametrize("octets", [DOCUMENT.encode(), b"\xff\xfe{}", b'{"a": "\xe9"}', b""])
def test_document_may_be_stored_as_octets(make_profiles, octets):
    service = make_profiles({OWN: octets}, type="LONGBLOB" if ENGINE == "mariadb" else "BLOB")
    reply = read_profile(service, OWN)
    assert reply.status_code == 200
    assert (reply.data == octets) is (octets == DOCUMENT.encode())


@pytest.mark.sqlite
def test_document_may_hold_a_text_that_is_no_utf_8(make_profiles, database_url):
    service = make_profiles({OWN: "{}"})
    with closing(connect_directly(database_url)) as connection, connection:
        connection.execute("UPDATE restcomm_profiles SET document = CAST(X'7bff7d' AS TEXT)")
    assert "featureEnablement" in read_profile(service, OWN).json


ASSOCIATIONS = {PARENT["sid"]: PARENTS, ORGANIZATION: ORGANIZATIONS, CHILD["sid"]: OWN}


@pytest.mark.parametrize(
    ("without", "account", "expected"),
    [
        ((), CHILD, OWN),
        ((), GRANDCHILD, OWN),
        ((CHILD["sid"],), CHILD, PARENTS),
        ((CHILD["sid"],), GRANDCHILD, PARENTS),
        ((CHILD["sid"], PARENT["sid"]), GRANDCHILD, ORGANIZATIONS),
        ((), STRANGER, ORGANIZATIONS),
        (tuple(ASSOCIATIONS), CHILD, DEFAULT),
    ],
)
def test_link_names_the_nearest_profile(make_profiles, without, account, expected):
    associations = {key: sid for key, sid in ASSOCIATIONS.items() if key not in without}
    service = make_profiles(dict.fromkeys((OWN, PARENTS, ORGANIZATIONS), DOCUMENT), associations)
    assert sid_in_link(service, account) == expected
    assert read_profile(service, expected, account).status_code == 200


@pytest.mark.parametrize("sid", [GONE, "no sid", ""])
def test_link_names_no_profile_that_is_not_there(make_profiles, sid):
    documents = {PARENTS: DOCUMENT} | ({} if sid == GONE else {sid: DOCUMENT})
    service = make_profiles(documents, {CHILD["sid"]: sid, PARENT["sid"]: PARENTS})
    assert sid_in_link(service, CHILD) == PARENTS


@pytest.mark.parametrize("lacking", ["document", "table"])
def test_tables_of_another_make_are_as_good_as_none(make_service, database_url, lacking):
    make_service()
    with closing(connect_directly(database_url)) as connection, connection:
        connection.execute("CREATE TABLE restcomm_profiles (sid VARCHAR(34), text VARCHAR(9))")
        if lacking == "document":
            connection.execute(TABLES_OF_PROFILES[1])
    service = make_service()
    service.insert(TABLES)
    assert sid_in_link(service, CHILD) == DEFAULT
    assert "featureEnablement" in read_profile(service).json


def test_link_is_at_the_callers_own_host_and_scheme(make_service):
    service = make_service(TRUSTED_PROXIES="127.0.0.1", ROOT_PATH="/apps")
    service.insert(TABLES)
    path = f"/apps/2012-04-24/Accounts/{CHILD['sid']}"
    for proto, host in (("https", "pbx.example.com"), ("http", "[::1]:8081")):
        headers = authorization(CHILD) | {"Host": host, "X-Forwarded-Proto": proto}
        link = service.client.get(path, headers=headers).headers["Link"]
        url = f"{proto}://{host}/apps/2012-04-24/Profiles/{DEFAULT}"
        assert link.startswith(f"<{url}>;")
        assert service.client.get(url.replace(f"{proto}://{host}", ""), headers=headers).json


def read_at(service, host, **environ):
    """Read an account as one that the client reaches at a host; return the headers."""
    path = f"{BASE}/Accounts/{CHILD['sid']}"
    made = EnvironBuilder(path, headers=authorization(CHILD)).get_environ()
    # Without Werkzeug's client, which takes hosts apart.
    body, status, headers = run_wsgi_app(service.app, made | environ | {"HTTP_HOST": host})
    assert status.startswith("200 "), b"".join(body)
    return headers


@pytest.mark.parametrize(
    "host",
    ["xn--a", "xn--e1afmkfd.xn--p1ai", "xn--fiqs8s:8080", "xn--mnchen-3ya.de", "[::1]:8080"],
)
def test_link_has_the_host_that_was_sent(service, host):
    link = read_at(service, host)["Link"]
    assert link.startswith(f"<http://{host}{BASE}/Profiles/PR")


@pytest.mark.parametrize("host", ["a b", "x@y", "foo:bar", "a,b", "\xe9", ""])
def test_no_link_has_a_host_that_is_none(service, host):
    assert "Link" not in read_at(service, host)


def test_link_has_the_path_where_the_service_is_mounted(service):
    link = read_at(service, "localhost", SCRIPT_NAME="/telephony/\xd1\x8f")["Link"]
    assert f"<http://localhost/telephony/%D1%8F{BASE}/Profiles/PR" in link
