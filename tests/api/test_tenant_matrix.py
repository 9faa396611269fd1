"""Who may do what on whose account: one table for both resources, all methods, both ACCESS modes.

A row's caller has the role of that name, or the role Administrator and the status of that name.
"""

import pytest

from restcomm_apps.store.database import database

from ..support.rows import account_row, application_row
from ..support.service import Service

# Y  done, with ACCESS=owner and with ACCESS=lineage
# L  done with ACCESS=lineage; refused like - with ACCESS=owner
# -  403: byte for byte the reply about an account that nobody has
# !  403: the caller's account is not active
# c  409: the account in the URL is closed
# C  the same with ACCESS=lineage; refused like - with ACCESS=owner
# .  the URL names no account: told once, in the rows on self
MATRIX = """
                               Applications                         Accounts/{account}    Accounts
                               GET   POST    GET   POST PUT DELETE  GET  POST PUT DELETE  GET  POST
caller         on account      list  create  read  update   remove  read update  close   list add

Administrator  self             Y     Y       Y     Y   Y    Y       Y    Y   Y    Y      Y     Y
Administrator  child            L     L       L     L   L    L       Y    Y   Y    Y      .     .
Administrator  grandchild       L     L       L     L   L    L       Y    Y   Y    Y      .     .
Administrator  suspended        L     L       L     L   L    L       Y    Y   Y    Y      .     .
Administrator  uninitialized    L     L       L     L   L    L       Y    Y   Y    Y      .     .
Administrator  closed           L     C       L     L   L    L       Y    c   c    Y      .     .
Administrator  parent           -     -       -     -   -    -       -    -   -    -      .     .
Administrator  sibling          -     -       -     -   -    -       -    -   -    -      .     .
Administrator  stranger         -     -       -     -   -    -       -    -   -    -      .     .

Developer      self             Y     Y       Y     Y   Y    Y       Y    Y   Y    Y      Y     -
Developer      child            L     L       L     L   L    L       -    -   -    -      .     .
Developer      grandchild       L     L       L     L   L    L       -    -   -    -      .     .
Developer      suspended        L     L       L     L   L    L       -    -   -    -      .     .
Developer      uninitialized    L     L       L     L   L    L       -    -   -    -      .     .
Developer      closed           L     C       L     L   L    L       -    -   -    -      .     .
Developer      parent           -     -       -     -   -    -       -    -   -    -      .     .
Developer      sibling          -     -       -     -   -    -       -    -   -    -      .     .
Developer      stranger         -     -       -     -   -    -       -    -   -    -      .     .

AppReader      self             Y     -       Y     -   -    -       -    -   -    -      -     -
AppReader      child            L     -       L     -   -    -       -    -   -    -      .     .
AppReader      closed           L     -       L     -   -    -       -    -   -    -      .     .
AppReader      parent           -     -       -     -   -    -       -    -   -    -      .     .
AppReader      sibling          -     -       -     -   -    -       -    -   -    -      .     .
AppReader      stranger         -     -       -     -   -    -       -    -   -    -      .     .

AccountReader  self             -     -       -     -   -    -       Y    -   -    -      Y     -
AccountReader  child            -     -       -     -   -    -       L    -   -    -      .     .
AccountReader  parent           -     -       -     -   -    -       -    -   -    -      .     .

AccountKeeper  self             -     -       -     -   -    -       Y    Y   Y    Y      Y     Y
AccountKeeper  child            -     -       -     -   -    -       L    -   -    -      .     .
AccountKeeper  parent           -     -       -     -   -    -       -    -   -    -      .     .
AccountKeeper  sibling          -     -       -     -   -    -       -    -   -    -      .     .

Guest          self             -     -       -     -   -    -       -    -   -    -      -     -
Guest          child            -     -       -     -   -    -       -    -   -    -      .     .
Guest          parent           -     -       -     -   -    -       -    -   -    -      .     .
Guest          sibling          -     -       -     -   -    -       -    -   -    -      .     .
Guest          stranger         -     -       -     -   -    -       -    -   -    -      .     .

closed         self             !     !       !     !   !    !       !    !   !    !      !     !
closed         child            !     !       !     !   !    !       !    !   !    !      .     .
closed         parent           !     !       !     !   !    !       !    !   !    !      .     .
suspended      self             !     !       !     !   !    !       !    !   !    !      !     !
suspended      child            !     !       !     !   !    !       !    !   !    !      .     .
suspended      parent           !     !       !     !   !    !       !    !   !    !      .     .
inactive       self             !     !       !     !   !    !       !    !   !    !      !     !
inactive       child            !     !       !     !   !    !       !    !   !    !      .     .
uninitialized  self             !     !       !     !   !    !       Y    !   !    !      !     !
uninitialized  child            !     !       !     !   !    !       !    !   !    !      .     .
uninitialized  parent           !     !       !     !   !    !       !    !   !    !      .     .
"""
# What an uninitialized account may change of itself, its password: tests/api/test_accounts.py.

ROLES = (
    "AppReader=RestComm:Read:Applications; AccountReader=RestComm:Read:Accounts; "
    "AccountKeeper=RestComm:*:Accounts; Guest="
)
STATUSES = ("closed", "suspended", "inactive", "uninitialized")

LIST = "/Accounts/{account}/Applications"
APPLICATION = LIST + "/{application}"
ACCOUNT = "/Accounts/{account}"
RENAMED = {"FriendlyName": "renamed"}
NEW_ACCOUNT = {"EmailAddress": "new@example.com", "Password": "pass word"}
# The columns: method, path, form, status where it is done.
COLUMNS = (
    ("GET", LIST, None, 200),
    ("POST", LIST, RENAMED, 200),
    ("GET", APPLICATION, None, 200),
    ("POST", APPLICATION, RENAMED, 200),
    ("PUT", APPLICATION, RENAMED, 200),
    ("DELETE", APPLICATION, None, 204),
    ("GET", ACCOUNT, None, 200),
    ("POST", ACCOUNT, RENAMED, 200),
    ("PUT", ACCOUNT, RENAMED, 200),
    ("DELETE", ACCOUNT, None, 204),
    ("GET", "/Accounts", None, 200),
    ("POST", "/Accounts", NEW_ACCOUNT, 200),
)
CODES = {20005: "!", 20006: "-", 20007: "c"}

NOBODY = {"sid": "AC" + "f" * 32, "email_address": "nobody@example.com"}
MODES = ("owner", "lineage")


def read_matrix():
    """List the rows of MATRIX, each (caller, operated account, letters)."""
    lines = MATRIX.split("\n\n", 1)[1].splitlines()
    rows = [line.split() for line in lines if line]
    assert all(len(row) == 2 + len(COLUMNS) for row in rows)
    return [(caller, operated, letters) for caller, operated, *letters in rows]


def make_accounts(caller):
    """Give the rows around a caller, {what they are to the caller: row}."""
    parent = account_row("parent")
    if caller in STATUSES:
        own = account_row("self", parent, status=caller)
    else:
        own = account_row("self", parent, role=caller)
    child = account_row("child", own)
    return {
        "parent": parent,
        "self": own,
        "child": child,
        "grandchild": account_row("grandchild", child),
        "sibling": account_row("sibling", parent),
        "stranger": account_row("stranger"),
        **{status: account_row(status, own, status=status) for status in STATUSES},
    }


@pytest.fixture(scope="module")
def services(make_database_url):
    """The application in each mode, both on one database."""
    url = make_database_url()
    services = {
        access: Service(url, ACCESS=access, ROLES=ROLES, LOG_LEVEL="warning") for access in MODES
    }
    yield services
    for service in services.values():
        service.close()


def perform(service, column, caller, operated, application):
    """Do what a column says; give the reply."""
    method, path, form, _ = column
    path = path.format(account=operated["sid"], application=application)
    # Replies are compared with all that they have; the id alone would differ.
    request_id = {"X-Request-ID": "the-same"}
    return service.request(method, f"{path}.json", caller, request_id, data=form)


def check_done(service, column, reply, operated):
    """Assert that the operated account, or what it owns, is what a column did it to."""
    method, path, form, _ = column
    rows = service.dump()
    if (method, path) == ("GET", LIST):
        assert [each["account_sid"] for each in reply.json] == [operated["sid"]]
    elif path in (LIST, APPLICATION) and method != "DELETE":
        assert reply.json["account_sid"] == operated["sid"]
        assert (reply.json["friendly_name"] == "renamed") is (form is RENAMED)
    elif path == APPLICATION:
        owners = [row[4] for row in rows["restcomm_applications"]]
        assert operated["sid"] not in owners
    elif path == ACCOUNT and method != "DELETE":
        assert reply.json["sid"] == operated["sid"]
        assert (reply.json["friendly_name"] == "renamed") is (form is RENAMED)
    elif path == ACCOUNT:
        [status] = [row[7] for row in rows["restcomm_accounts"] if row[0] == operated["sid"]]
        assert status == "closed"
    elif form is NEW_ACCOUNT:
        [parent] = [row[5] for row in rows["restcomm_accounts"] if row[3] == "new@example.com"]
        assert parent == operated["sid"]


def observe(service, column, caller, operated, application):
    """Do what a column says, undo it, and give the letter for what happened."""
    with database.atomic() as transaction:
        before = service.dump()
        reply = perform(service, column, caller, operated, application)
        if reply.status_code < 300:
            assert reply.status_code == column[3]
            check_done(service, column, reply, operated)
            transaction.rollback()
            return "Y"
        assert service.dump() == before
        letter = CODES[reply.json["code"]]
        if letter == "-":
            nobodys = perform(service, column, caller, NOBODY, application)
            assert reply.data == nobodys.data
            assert reply.headers.to_wsgi_list() == nobodys.headers.to_wsgi_list()
        return letter


@pytest.mark.parametrize("access", MODES)
@pytest.mark.parametrize(
    ("caller", "operated", "letters"),
    read_matrix(),
    ids=[f"{caller} on {operated}" for caller, operated, _ in read_matrix()],
)
def test_every_method_answers_as_the_matrix_says(services, access, caller, operated, letters):
    service = services[access]
    accounts = make_accounts(caller)
    applications = {
        name: application_row(number, row) for number, (name, row) in enumerate(accounts.items(), 1)
    }
    service.store.enter()
    with database.atomic() as transaction:
        service.insert({"restcomm_accounts": list(accounts.values())})
        service.insert({"restcomm_applications": list(applications.values())})
        observed = [
            letter
            if letter == "."
            else observe(
                service, column, accounts["self"], accounts[operated], applications[operated]["sid"]
            )
            for column, letter in zip(COLUMNS, letters)
        ]
        transaction.rollback()
    lineage = access == "lineage"
    in_lineage_only = {"L": "Y" if lineage else "-", "C": "c" if lineage else "-"}
    assert observed == [in_lineage_only.get(letter, letter) for letter in letters]
