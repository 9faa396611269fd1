"""How far the tenants of test_tenant_matrix are kept apart: odd names, odd sids, odd trees.

A refusal must not tell whether the account in the URL exists: the same request to an account that
nobody has is the yardstick for every one of them.
"""

import itertools

import pytest

from ..support.rows import (
    CHILD,
    FULL,
    GRANDCHILD,
    GRANDCHILDS,
    PARENT,
    PARENTS,
    SIBLING,
    SIBLINGS,
    STRANGER,
    STRANGERS,
    TABLES,
    account_row,
    application_row,
)
from ..support.service import Service

ACCESSES = ("owner", "lineage")
# What each is, and the status where it is done. {account} is the operated account's sid or
# e-mail address, {application} an application's sid.
LIST = "/Accounts/{account}/Applications"
INSTANCE = LIST + "/{application}"
OPERATIONS = {
    "list": ("GET", LIST, None, 200),
    "create": ("POST", LIST, {"FriendlyName": "new"}, 200),
    "read": ("GET", INSTANCE, None, 200),
    "update by POST": ("POST", INSTANCE, {"FriendlyName": "new"}, 200),
    "update by PUT": ("PUT", INSTANCE, {"FriendlyName": "new"}, 200),
    "update by PATCH": ("PATCH", INSTANCE, {"FriendlyName": "new"}, 200),
    "remove": ("DELETE", INSTANCE, None, 204),
    "read the account": ("GET", "/Accounts/{account}", None, 200),
}
ON_INSTANCE = [name for name, (_, path, *_) in OPERATIONS.items() if path == INSTANCE]

ACCOUNTS = {row["friendly_name"]: row for row in (PARENT, CHILD, GRANDCHILD, SIBLING, STRANGER)}
APPLICATIONS = {
    "parent": PARENTS,
    "child": FULL,
    "grandchild": GRANDCHILDS,
    "sibling": SIBLINGS,
    "stranger": STRANGERS,
}
NOBODY = {"sid": "AC" + "f" * 32, "email_address": "nobody@example.com"}
UNKNOWN = "AP" + "f" * 32

FORBIDDEN = {
    "xml": b"""\
<RestcommResponse>
  <RestException>
    <Status>403</Status>
    <Code>20006</Code>
    <Message>The account may not do this</Message>
    <MoreInfo>docs/errors.md#20006</MoreInfo>
  </RestException>
</RestcommResponse>""",
    "json": b"""\
{
  "status": 403,
  "code": 20006,
  "message": "The account may not do this",
  "more_info": "docs/errors.md#20006"
}""",
}
NOT_FOUND = {
    "xml": b"""\
<RestcommResponse>
  <RestException>
    <Status>404</Status>
    <Code>20404</Code>
    <Message>Nothing was found at this address</Message>
    <MoreInfo>docs/errors.md#20404</MoreInfo>
  </RestException>
</RestcommResponse>""",
    "json": b"""\
{
  "status": 404,
  "code": 20404,
  "message": "Nothing was found at this address",
  "more_info": "docs/errors.md#20404"
}""",
}

# Trees that no Restcomm makes: two above each other, three in a ring, one above itself, one
# whose parent is gone, and a long line of descendants.
LOOP_A = account_row("loop-a")
LOOP_B = account_row("loop-b", LOOP_A)
LOOP_A["parent_sid"] = LOOP_B["sid"]
RING_A = account_row("ring-a")
RING_B = account_row("ring-b", RING_A)
RING_C = account_row("ring-c", RING_B)
RING_A["parent_sid"] = RING_C["sid"]
# Below a ring, not in it.
BELOW_RING = account_row("below-ring", RING_C)
OWN_PARENT = account_row("own-parent")
OWN_PARENT["parent_sid"] = OWN_PARENT["sid"]
ORPHAN = account_row("orphan", NOBODY)
EMPTY_PARENT = account_row("empty-parent", parent_sid="")
LINE = [account_row("line-0", GRANDCHILD)]
for depth in range(1, 50):
    LINE.append(account_row(f"line-{depth}", LINE[-1]))
ODD = (LOOP_A, LOOP_B, RING_A, RING_B, RING_C, BELOW_RING, OWN_PARENT, ORPHAN, EMPTY_PARENT)

numbers = itertools.count(100)


both_accesses = pytest.mark.parametrize("access", ACCESSES)
both_formats = pytest.mark.parametrize("suffix", ["xml", "json"])
every_operation = pytest.mark.parametrize("operation", OPERATIONS)
every_operation_on_an_instance = pytest.mark.parametrize("operation", ON_INSTANCE)


@pytest.fixture(scope="module")
def services(make_database_url):
    """The application in each mode, both on one database."""
    url = make_database_url()
    services = {access: Service(url, ACCESS=access, LOG_LEVEL="warning") for access in ACCESSES}
    services["owner"].insert(TABLES)
    services["owner"].insert({"restcomm_accounts": [*ODD, *LINE]})
    yield services
    for service in services.values():
        service.close()


@pytest.fixture
def service(services, access):
    """The application in the mode of a test's parameter ``access``."""
    return services[access]


def add_application(service, account):
    """Insert an application of an account; give its sid."""
    row = application_row(next(numbers), account)
    service.insert({"restcomm_applications": [row]})
    return row["sid"]


def perform(service, operation, caller, account, application=UNKNOWN, suffix="xml"):
    """Do one of OPERATIONS; ``account`` and ``application`` are what the URL says."""
    method, path, form, _ = OPERATIONS[operation]
    path = path.format(account=account, application=application)
    # Replies are compared with all that they have; the id alone would differ.
    request_id = {"X-Request-ID": "the-same"}
    return service.request(method, f"{path}.{suffix}", caller, request_id, data=form)


def check_forbidden(reply, suffix="xml"):
    assert reply.status_code == 403
    assert reply.headers["Content-Type"] == f"application/{suffix}"
    assert reply.data == FORBIDDEN[suffix]


def check_not_found(reply, suffix="xml"):
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == f"application/{suffix}"
    assert reply.data == NOT_FOUND[suffix]


def check_performed(service, operation, reply, operated, application):
    """Assert that an operation did on the account what it should."""
    assert reply.status_code == OPERATIONS[operation][3]
    rows = {row[0]: row for row in service.dump()["restcomm_applications"]}
    if operation == "remove":
        assert reply.data == b""
        assert application not in rows
    elif operation == "read the account":
        assert reply.json["sid"] == operated["sid"]
    elif operation == "list":
        assert {each["account_sid"] for each in reply.json} == {operated["sid"]}
        assert application in {each["sid"] for each in reply.json}
    else:
        shown = reply.json
        assert shown["account_sid"] == operated["sid"]
        assert (shown["sid"] == application) is (operation != "create")
        assert shown["sid"] in rows
        assert shown["friendly_name"] in rows[shown["sid"]]
        assert (shown["friendly_name"] == "new") is (operation != "read")


@both_accesses
@pytest.mark.parametrize(("operated", "may"), [("child", True), ("stranger", False)])
@pytest.mark.parametrize("at", ["@", "%40"])
@every_operation
def test_operation_by_email_answers_as_by_sid(service, operation, operated, may, at):
    account = ACCOUNTS[operated]
    application = add_application(service, account) if may else APPLICATIONS[operated]["sid"]
    before = service.dump()
    name = account["email_address"].replace("@", at)
    reply = perform(service, operation, CHILD, name, application, "json")
    if may:
        check_performed(service, operation, reply, account, application)
    else:
        check_forbidden(reply, "json")
        assert service.dump() == before


def check_like_nobody(service, operation, caller, operated, application, suffix):
    """Assert that a refusal is, byte for byte, that of an account that does not exist."""
    foreign = perform(service, operation, caller, operated["sid"], application, suffix)
    missing = perform(service, operation, caller, NOBODY["sid"], application, suffix)
    check_forbidden(foreign, suffix)
    assert foreign.headers.to_wsgi_list() == missing.headers.to_wsgi_list()
    assert foreign.data == missing.data


@both_accesses
@pytest.mark.parametrize("application", [FULL["sid"], GRANDCHILDS["sid"], UNKNOWN, "malformed"])
@every_operation_on_an_instance
@both_formats
def test_refusal_is_the_same_whatever_the_application(service, operation, application, suffix):
    check_like_nobody(service, operation, CHILD, STRANGER, application, suffix)


@pytest.mark.parametrize(
    "name",
    [
        *(NOBODY["sid"], NOBODY["email_address"], "child", "CHILD@example.com"),
        *(CHILD["sid"].lower(), CHILD["sid"][:-1], CHILD["sid"] + "0", f"%20{CHILD['sid']}"),
        *(FULL["sid"], CHILD["auth_token"], "%25", "*", "null", "-", "'%20OR%20'1'='1"),
        *("child%00@example.com", "child@example.com%20", "%F0%9F%98%80", "%FF%FE"),
    ],
)
@both_accesses
@pytest.mark.parametrize("operation", ["list", "create", "read", "read the account"])
def test_operation_on_a_name_nobody_goes_by_is_refused(service, operation, name):
    before = service.dump()
    check_forbidden(perform(service, operation, CHILD, name, FULL["sid"]))
    assert service.dump() == before


@pytest.mark.parametrize(
    ("access", "caller"), [("owner", CHILD), ("lineage", CHILD), ("lineage", PARENT)]
)
@every_operation_on_an_instance
def test_application_of_another_account_is_forbidden(service, operation, caller):
    before = service.dump()
    for owner in ACCOUNTS.keys() - {"child"}:
        application = APPLICATIONS[owner]["sid"]
        reply = perform(service, operation, caller, CHILD["sid"], application, "json")
        check_forbidden(reply, "json")
    assert service.dump() == before


@pytest.mark.parametrize(
    "sid",
    [
        *(UNKNOWN, "AP" + "0" * 32, "PN" + "0" * 31 + "1", CHILD["sid"], "a" * 34),
        *("x", "0", FULL["sid"][:-1], FULL["sid"] + "0", FULL["sid"].lower(), FULL["sid"][2:]),
        *("Application%201", "%2525", "%252F", f"{FULL['sid']}%20", f"%00{FULL['sid']}"),
        *("%C3%A9", "%FF", "%F0%9F%98%80", "%EF%BC%91" * 34, "'%20OR%20'1'='1", "Application*"),
        *("x.json", "Logout", "null", "-1", "a" * 4000),
    ],
    ids=lambda sid: sid[:40],
)
@pytest.mark.parametrize("access", ["lineage"])
@pytest.mark.parametrize("operation", ["read", "update by PUT", "remove"])
@both_formats
def test_application_that_nobody_owns_is_not_found(service, operation, sid, suffix):
    before = service.dump()
    check_not_found(perform(service, operation, CHILD, CHILD["sid"], sid, suffix), suffix)
    assert service.dump() == before


@both_accesses
@pytest.mark.parametrize("form", [{}, {"FriendlyName": ""}, {"Kind": "fax"}])
def test_refusal_comes_before_a_bad_parameter(service, form):
    before = service.dump()
    foreign = LIST.format(account=STRANGER["sid"])
    check_forbidden(service.request("POST", foreign, CHILD, data=form))
    own = LIST.format(account=CHILD["sid"])
    for sid, check in ((STRANGERS["sid"], check_forbidden), (UNKNOWN, check_not_found)):
        for method in ("POST", "PUT"):
            check(service.request(method, f"{own}/{sid}", CHILD, data=form))
    assert service.dump() == before


@both_accesses
def test_list_shows_only_the_operated_accounts_applications(service):
    for name, account in ACCOUNTS.items():
        path = LIST.format(account=account["sid"])
        shown = service.request("GET", f"{path}.json?includeNumbers=true", account).json
        assert APPLICATIONS[name]["sid"] in {each["sid"] for each in shown}
        assert {each["account_sid"] for each in shown} == {account["sid"]}


@both_accesses
@pytest.mark.parametrize("operated", ODD, ids=lambda row: row["friendly_name"])
@pytest.mark.parametrize("caller", [PARENT, STRANGER], ids=lambda row: row["friendly_name"])
@pytest.mark.parametrize("operation", ["list", "create"])
def test_odd_tree_ends_in_a_refusal(service, operation, caller, operated):
    before = service.dump()
    check_forbidden(perform(service, operation, caller, operated["sid"]))
    assert service.dump() == before


@both_accesses
@pytest.mark.parametrize("account", ODD, ids=lambda row: row["friendly_name"])
def test_account_of_an_odd_tree_may_act_for_itself(service, account):
    reply = perform(service, "read the account", account, account["sid"], suffix="json")
    assert reply.status_code == 200
    assert reply.json["sid"] == account["sid"]


@pytest.mark.parametrize(("access", "status"), [("owner", 403), ("lineage", 200)])
@pytest.mark.parametrize(
    ("ancestor", "descendant"),
    [
        (GRANDCHILD, LINE[0]),
        (LINE[0], LINE[-1]),
        (PARENT, LINE[-1]),
        # Each is above the other.
        (LOOP_A, LOOP_B),
        (LOOP_B, LOOP_A),
        (RING_A, RING_C),
        (RING_C, BELOW_RING),
        (RING_A, BELOW_RING),
    ],
    ids=lambda row: row["friendly_name"],
)
def test_ancestor_may_act_however_far_below_in_lineage_only(service, ancestor, descendant, status):
    reply = perform(service, "list", ancestor, descendant["sid"], suffix="json")
    own = perform(service, "list", descendant, descendant["sid"], suffix="json")
    assert reply.status_code == status
    if status == 200:
        assert reply.json == own.json
    else:
        assert reply.data == FORBIDDEN["json"]


@both_accesses
@pytest.mark.parametrize(
    ("caller", "operated"),
    [(LINE[-1], LINE[0]), (LINE[-1], PARENT), (BELOW_RING, RING_A), (SIBLING, LINE[-1])],
    ids=lambda row: row["friendly_name"],
)
def test_descendant_and_stranger_may_not_act_upwards(service, caller, operated):
    check_forbidden(perform(service, "list", caller, operated["sid"]))
