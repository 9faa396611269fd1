"""GET Accounts: which accounts, and so which tokens, a list shows, alone and narrowed."""

import itertools
from urllib.parse import urlencode

import pytest

from ..support.rows import ORGANIZATION, TABLES, account_row
from ..support.service import Service

OTHER_ORGANIZATION = "OR" + "2" * 32
EMPTY_ORGANIZATION = "OR" + "3" * 32
DOMAIN, OTHER_DOMAIN = "default.restcomm.com", "other.example.com"
EMPTY_DOMAIN = "empty.example.com"
ROLES = "AccountReader=RestComm:Read:Accounts; Guest="


def _organization_row(sid, domain_name):
    return TABLES["restcomm_organizations"][0] | {"sid": sid, "domain_name": domain_name}


def _tree(name, role="Administrator"):
    """Make a top account, a child, one of it, and a child of the other organization."""
    top = account_row(name, role=role)
    child = account_row(f"{name}-child", top)
    below = account_row(f"{name}-grandchild", child, status="suspended")
    moved = account_row(f"{name}-moved", top, organization_sid=OTHER_ORGANIZATION)
    return [top, child, below, moved]


# Two administrators side by side in one organization, and callers that may less.
TREES = {
    "first": _tree("first"),
    "second": _tree("second"),
    "developer": _tree("developer", "Developer"),
    "reader": _tree("reader", "AccountReader"),
}
ACCOUNTS = list(itertools.chain(*TREES.values()))
CALLERS = [each for each in ACCOUNTS if each["status"] == "active"]
ROWS = {
    "restcomm_organizations": [
        _organization_row(ORGANIZATION, DOMAIN),
        _organization_row(OTHER_ORGANIZATION, OTHER_DOMAIN),
        _organization_row(EMPTY_ORGANIZATION, EMPTY_DOMAIN),
    ],
    "restcomm_accounts": ACCOUNTS,
}
FILTERS = {
    "sid": ({"OrganizationSid": ORGANIZATION}, ORGANIZATION),
    "domain": ({"DomainName": DOMAIN}, ORGANIZATION),
    "both": ({"OrganizationSid": ORGANIZATION, "DomainName": DOMAIN}, ORGANIZATION),
    "other sid": ({"OrganizationSid": OTHER_ORGANIZATION}, OTHER_ORGANIZATION),
    "other domain": ({"DomainName": OTHER_DOMAIN}, OTHER_ORGANIZATION),
}


@pytest.fixture(scope="module", params=["owner", "lineage"])
def service(request, make_database_url):
    """The application in one of the modes, with ROWS."""
    service = Service(make_database_url(), ACCESS=request.param, ROLES=ROLES, LOG_LEVEL="warning")
    service.insert(ROWS)
    yield service
    service.close()


def list_accounts(service, caller, query=None):
    """Give the reply to GET Accounts with these parameters."""
    path = "/Accounts.json" + (f"?{urlencode(query)}" if query else "")
    return service.request("GET", path, caller)


def sids_of(rows):
    """Give the sids of some accounts, in order."""
    return sorted(row["sid"] for row in rows)


def readable(service, caller):
    """List the accounts that a caller may read singly."""
    return [
        row
        for row in ACCOUNTS
        if service.request("GET", f"/Accounts/{row['sid']}", caller).status_code == 200
    ]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("caller", CALLERS, ids=lambda row: row["friendly_name"])
def test_filter_narrows_what_may_be_read_singly(service, caller, name):
    """FAULTS 5: a top account read the tokens of the others of its organization."""
    query, organization_sid = FILTERS[name]
    wanted = [
        row for row in readable(service, caller) if row["organization_sid"] == organization_sid
    ]
    reply = list_accounts(service, caller, query)
    if not wanted and "DomainName" in query:
        assert (reply.status_code, reply.json["code"]) == (404, 20404)
    else:
        assert [each["sid"] for each in reply.json] == sids_of(wanted)


@pytest.mark.parametrize("name", FILTERS)
def test_no_token_of_another_top_account_is_ever_shown(service, name):
    (first, *_), (second, *_) = TREES["first"], TREES["second"]
    query, organization_sid = FILTERS[name]
    for caller, other in itertools.permutations((first, second)):
        text = list_accounts(service, caller, query).text
        assert other["auth_token"] not in text
        assert (caller["auth_token"] in text) is (organization_sid == ORGANIZATION)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda row: row["friendly_name"])
def test_without_a_filter_the_children_that_may_be_read_are_listed(service, caller):
    wanted = [row for row in readable(service, caller) if row["parent_sid"] == caller["sid"]]
    assert [each["sid"] for each in list_accounts(service, caller).json] == sids_of(wanted)


@pytest.mark.parametrize(
    "query",
    [
        {"OrganizationSid": EMPTY_ORGANIZATION},
        {"OrganizationSid": "OR" + "9" * 32},
        {"OrganizationSid": ""},
        {"OrganizationSid": ORGANIZATION.lower()},
    ],
)
def test_organization_without_readable_accounts_lists_none(service, query):
    reply = list_accounts(service, TREES["first"][0], query)
    assert (reply.status_code, reply.json) == (200, [])


@pytest.mark.parametrize("domain_name", [EMPTY_DOMAIN, "nope", "", DOMAIN.upper(), f"{DOMAIN} "])
def test_domain_tells_nothing_of_other_organizations(service, domain_name):
    reply = list_accounts(service, TREES["first"][0], {"DomainName": domain_name})
    assert (reply.status_code, reply.json["code"]) == (404, 20404)


def test_contradicting_filters_match_nothing(service):
    query = {"OrganizationSid": OTHER_ORGANIZATION, "DomainName": DOMAIN}
    assert list_accounts(service, TREES["first"][0], query).status_code == 404


def test_role_without_permission_lists_nothing(service):
    guest = account_row("guest", role="Guest")
    service.insert({"restcomm_accounts": [guest]})
    for query in (None, FILTERS["sid"][0]):
        assert list_accounts(service, guest, query).status_code == 403
