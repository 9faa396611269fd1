"""What a role of the setting ROLES lets an account do on itself and, with ACCESS=lineage, on
those below it; the two roles that are built in stand in test_tenant_matrix.

NEEDS is the contract's sentence; the roles are every combination of actions on every resource.
"""

import itertools

import pytest

from restcomm_apps.store.database import database
from restcomm_apps.store.models import Account

from ..support.rows import TABLES, account_row, application_row
from ..support.service import Service

# What each operation needs: an action on a resource.
NEEDS = {
    "list": ("Read", "Applications"),
    "create": ("Create", "Applications"),
    "read": ("Read", "Applications"),
    "update by POST": ("Modify", "Applications"),
    "update by PUT": ("Modify", "Applications"),
    "remove": ("Modify", "Applications"),
    "read the account": ("Read", "Accounts"),
    "update the account": ("Modify", "Accounts"),
    "close the account": ("Modify", "Accounts"),
    "list the accounts": ("Read", "Accounts"),
    "add an account": ("Create", "Accounts"),
}
LIST = "/Accounts/{account}/Applications"
INSTANCE = LIST + "/{application}"
REQUESTS = {
    "list": ("GET", LIST, None, 200),
    "create": ("POST", LIST, {"FriendlyName": "new"}, 200),
    "read": ("GET", INSTANCE, None, 200),
    "update by POST": ("POST", INSTANCE, {"FriendlyName": "new"}, 200),
    "update by PUT": ("PUT", INSTANCE, {"FriendlyName": "new"}, 200),
    "remove": ("DELETE", INSTANCE, None, 204),
    "read the account": ("GET", "/Accounts/{account}", None, 200),
    "update the account": ("POST", "/Accounts/{account}", {"FriendlyName": "new"}, 200),
    "close the account": ("DELETE", "/Accounts/{account}", None, 204),
    "list the accounts": ("GET", "/Accounts", None, 200),
    "add an account": (
        "POST",
        "/Accounts",
        {"EmailAddress": "new@example.com", "Password": "pass word"},
        200,
    ),
}
# Whose URL names no account.
ON_THE_CALLER = ("list the accounts", "add an account")

FORBIDDEN = b"""\
{
  "status": 403,
  "code": 20006,
  "message": "The account may not do this",
  "more_info": "docs/errors.md#20006"
}"""

ACTIONS = [
    *itertools.chain.from_iterable(
        itertools.combinations(("Read", "Create", "Modify"), size) for size in (1, 2, 3)
    ),
    ("*",),
]
RESOURCES = ("Applications", "Accounts", "*")
# Role -> its permissions, each (actions, resource).
COMBINED = {
    f"{'And'.join(actions)}On{resource}".replace("*", "All"): [(actions, resource)]
    for actions, resource in itertools.product(ACTIONS, RESOURCES)
}
GRANTED = COMBINED | {
    "Clerk": [(("Read", "Modify"), "Applications"), (("Read",), "Accounts")],
    "Guest": [],
    # Removing needs Modify: an action Delete lets nobody do anything here.
    "Deleter": [(("Delete",), "*")],
    "Caller": [(("*",), "Calls")],
}
ROLES = "; ".join(
    f"{role}=" + " ".join(f"RestComm:{','.join(actions)}:{on}" for actions, on in permissions)
    for role, permissions in GRANTED.items()
)
# Names that are like a role's and no role.
UNKNOWN = ("NoSuchRole", "administrator", "ADMINISTRATOR", "Administrator ", "guest", "*", "")


def may(permissions, operation):
    """Tell whether permissions cover what an operation needs."""
    action, resource = NEEDS[operation]
    return any(
        (action in actions or "*" in actions) and on in (resource, "*")
        for actions, on in permissions
    )


TOPS = {
    role: account_row(f"top-{number}", role=role)
    for number, role in enumerate((*GRANTED, *UNKNOWN, "Administrator"))
}
BELOW = {
    role: account_row(f"below-{number}", top) for number, (role, top) in enumerate(TOPS.items())
}
APPLICATIONS = {
    row["sid"]: application_row(number, row)
    for number, row in enumerate((*TOPS.values(), *BELOW.values()), 100)
}

every_operation = pytest.mark.parametrize("operation", NEEDS)


@pytest.fixture(scope="module")
def service(make_database_url):
    """The application with ROLES and, so that a role is tried on others too, in lineage mode."""
    url = make_database_url()
    service = Service(url, ROLES=ROLES, ACCESS="lineage", LOG_LEVEL="warning")
    accounts = [*TABLES["restcomm_accounts"], *TOPS.values(), *BELOW.values()]
    applications = [*TABLES["restcomm_applications"], *APPLICATIONS.values()]
    service.insert({"restcomm_accounts": accounts, "restcomm_applications": applications})
    yield service
    service.close()


def perform(service, operation, caller, operated, application):
    """Do one of REQUESTS on an account."""
    method, path, form, _ = REQUESTS[operation]
    path = path.format(account=operated["sid"], application=application)
    return service.request(method, f"{path}.json", caller, data=form)


def check(service, operation, caller, operated, allowed):
    """Do an operation and undo it; assert that it is done, or refused and nothing changed."""
    application = APPLICATIONS[operated["sid"]]
    with database.atomic() as transaction:
        before = service.dump()
        reply = perform(service, operation, caller, operated, application["sid"])
        if allowed:
            check_done(service, operation, reply, operated, application["sid"])
        else:
            assert (reply.status_code, reply.data) == (403, FORBIDDEN)
            assert service.dump() == before
        transaction.rollback()


def check_done(service, operation, reply, operated, application):
    """Assert that a reply shows what was asked for."""
    assert reply.status_code == REQUESTS[operation][3]
    if operation == "remove":
        assert reply.data == b""
        left = {row[0] for row in service.dump()["restcomm_applications"]}
        assert application not in left
    elif operation == "list":
        assert application in {each["sid"] for each in reply.json}
    elif operation == "create":
        assert (reply.json["account_sid"], reply.json["friendly_name"]) == (operated["sid"], "new")
    elif operation in ("read the account", "update the account"):
        assert reply.json["sid"] == operated["sid"]
        assert (reply.json["friendly_name"] == "new") is (operation == "update the account")
    elif operation == "close the account":
        assert reply.data == b""
        assert Account.get_by_id(operated["sid"]).status == "closed"
    elif operation == "add an account":
        assert Account.get_by_id(reply.json["sid"]).parent_sid == operated["sid"]
    elif operation == "list the accounts":
        assert all(each["sid"].startswith("AC") for each in reply.json)
    else:
        assert reply.json["sid"] == application


@every_operation
@pytest.mark.parametrize("role", GRANTED)
def test_role_may_do_on_its_account_what_it_is_granted(service, role, operation):
    caller = TOPS[role]
    check(service, operation, caller, caller, may(GRANTED[role], operation))


@pytest.mark.parametrize("operation", ["list", "create", "remove", "read the account"])
@pytest.mark.parametrize("role", GRANTED)
def test_role_may_do_below_its_account_what_it_is_granted(service, role, operation):
    check(service, operation, TOPS[role], BELOW[role], may(GRANTED[role], operation))


@pytest.mark.parametrize("operation", ["update the account", "close the account"])
@pytest.mark.parametrize("role", GRANTED)
def test_role_may_change_no_account_but_its_own(service, role, operation):
    check(service, operation, TOPS[role], BELOW[role], False)


@every_operation
@pytest.mark.parametrize("role", UNKNOWN)
def test_unknown_role_may_do_nothing(service, role, operation):
    check(service, operation, TOPS[role], TOPS[role], False)
    if operation not in ON_THE_CALLER:
        check(service, operation, TOPS[role], BELOW[role], False)


def test_list_of_accounts_shows_those_below(service):
    for role in ("Administrator", "ReadOnAccounts", "Clerk"):
        reply = service.request("GET", "/Accounts.json", TOPS[role])
        assert [each["sid"] for each in reply.json] == [BELOW[role]["sid"]]


@pytest.mark.parametrize("operation", ["create", "update by PUT"])
@pytest.mark.parametrize("form", [{"FriendlyName": ""}, {"Kind": "fax"}])
def test_missing_permission_is_told_before_a_bad_parameter(service, operation, form):
    method, path, *_ = REQUESTS[operation]
    caller = TOPS["ReadOnApplications"]
    path = path.format(account=caller["sid"], application=APPLICATIONS[caller["sid"]]["sid"])
    reply = service.request(method, f"{path}.json", caller, data=form)
    assert (reply.status_code, reply.data) == (403, FORBIDDEN)


@pytest.mark.parametrize("operation", [name for name in NEEDS if name not in ON_THE_CALLER])
def test_permission_does_not_reach_a_stranger(service, operation):
    check(service, operation, TOPS["AllOnAll"], TOPS["Guest"], False)


@every_operation
@pytest.mark.parametrize("role", ["Guest", "NoSuchRole"])
def test_missing_permission_tells_nothing_of_an_application(service, role, operation):
    for application in (APPLICATIONS[TOPS["Clerk"]["sid"]]["sid"], "AP" + "f" * 32, "malformed"):
        reply = perform(service, operation, TOPS[role], TOPS[role], application)
        assert (reply.status_code, reply.data) == (403, FORBIDDEN)
