"""Closing or suspending an account while something is created in it: the second is told."""

from collections import Counter
from contextlib import closing
from functools import partial
from io import BytesIO
from urllib.parse import urlencode

import pytest

from restcomm_apps.audit import actor as who
from restcomm_apps.errors import AccountClosed
from restcomm_apps.resources.accounts import updating
from restcomm_apps.resources.applications import plan, queries
from restcomm_apps.store import account_locks
from restcomm_apps.store.database import transaction
from restcomm_apps.store.models import Account, Application

from ..support.commands import run, succeed
from ..support.databases import connect_directly
from ..support.rows import (
    CHILD,
    FULL,
    GRANDCHILD,
    NEW_ACCOUNT,
    PARENT,
    STRANGER,
    TABLES,
    account_row,
    application_row,
)
from ..support.tables import replace_rows
from ..support.together import call_together

NOW = "2026-11-26 12:00:00"
LIST = f"/Accounts/{CHILD['sid']}/Applications"
FORM = "application/x-www-form-urlencoded"
ROUNDS = 12
NO_OTHERS = {"restcomm_incoming_phone_numbers": [], "restcomm_clients": []}
NO_APPLICATIONS = {"restcomm_applications": []} | NO_OTHERS


class Body(BytesIO):
    """A request's body that changes an account when it is read, once the caller is known."""

    def __init__(self, text, change):
        super().__init__(text.encode())
        self._change = change

    def _apply(self):
        change, self._change = self._change, None
        if change is not None:
            change()

    def read(self, *size):
        """Change the account, then give the body."""
        self._apply()
        return super().read(*size)

    def readinto(self, buffer):
        """Change the account, then give the body."""
        self._apply()
        return super().readinto(buffer)


def close_account(row):
    """Close an account as another worker would meanwhile."""
    updating.update_account(Account.get_by_id(row["sid"]), {"status": "closed"}, True, NOW)


def suspend(row):
    """Suspend an account as another worker would meanwhile."""
    Account.update(status="suspended").where(Account.sid == row["sid"]).execute()


# What is done: method, path, text, media type, headers.
CREATES = {
    "create": ("POST", LIST, "FriendlyName=late", FORM, {}),
    "create once": ("POST", LIST, "FriendlyName=late", FORM, {"Idempotency-Key": "1"}),
    "bulk": ("POST", LIST + "/Bulk", '{"FriendlyName": "late"}', "application/x-ndjson", {}),
    "bulk once": (
        "POST",
        LIST + "/Bulk",
        '{"FriendlyName": "late"}',
        "application/x-ndjson",
        {"Idempotency-Key": "1"},
    ),
}
CHANGES = {
    "rename": ("POST", f"/Accounts/{CHILD['sid']}", "FriendlyName=late", FORM, {}),
    "rotate": ("POST", f"/Accounts/{CHILD['sid']}", "RotateToken=true", FORM, {}),
    "close": ("POST", f"/Accounts/{CHILD['sid']}", "Status=closed", FORM, {}),
}
ADDS = {"add": ("POST", "/Accounts", urlencode(NEW_ACCOUNT), FORM, {})}


def send_late(service, operation, caller, change):
    """Send a request whose account changes after authentication; give the reply and the rows."""
    method, path, text, media_type, headers = operation
    headers = {**headers, "Accept": "application/json"}
    after = []

    def change_and_look():
        change()
        after.append(service.dump())

    reply = service.request(
        method,
        path,
        caller,
        headers,
        input_stream=Body(text, change_and_look),
        content_length=len(text),
        content_type=media_type,
    )
    return reply, after[0]


@pytest.fixture
def lineage(make_service):
    """The application with ACCESS=lineage and the rows of ``rows.TABLES``."""
    service = make_service(ACCESS="lineage")
    service.insert(TABLES)
    return service


@pytest.mark.parametrize("change", [close_account, suspend], ids=["closed", "suspended"])
@pytest.mark.parametrize("name", [*CREATES, *CHANGES, *ADDS])
def test_what_ones_own_account_does_after_its_end_is_refused(service, name, change):
    operation = (CREATES | CHANGES | ADDS)[name]
    reply, after = send_late(service, operation, CHILD, partial(change, CHILD))
    assert (reply.status_code, reply.json["code"]) == (403, 20005)
    assert service.dump() == after


@pytest.mark.parametrize("name", [*CREATES, "rename", "rotate"])
def test_what_an_ancestor_does_in_an_account_closed_meanwhile_is_a_conflict(lineage, name):
    operation = (CREATES | CHANGES)[name]
    reply, after = send_late(lineage, operation, PARENT, partial(close_account, CHILD))
    assert (reply.status_code, reply.json["code"]) == (409, 20007)
    assert lineage.dump() == after


@pytest.mark.parametrize("change", [close_account, suspend], ids=["closed", "suspended"])
@pytest.mark.parametrize("name", [*CREATES, *CHANGES])
def test_what_an_ancestor_does_after_its_own_end_is_refused(lineage, name, change):
    operation = (CREATES | CHANGES)[name]
    reply, after = send_late(lineage, operation, PARENT, partial(change, PARENT))
    assert (reply.status_code, reply.json["code"]) == (403, 20005)
    assert lineage.dump() == after


@pytest.mark.parametrize("name", CREATES)
def test_an_ancestor_may_create_in_an_account_suspended_meanwhile(lineage, name):
    reply, _ = send_late(lineage, CREATES[name], PARENT, partial(suspend, CHILD))
    assert reply.status_code == 200


def test_apply_in_an_account_closed_after_the_comparison_is_refused(service):
    who.enter_command()
    account = Account.get_by_id(CHILD["sid"])
    rows = [(1, [("FriendlyName", "late")])]
    made = plan.make_plan(account, rows, False)
    close_account(CHILD)
    before = service.dump()
    with pytest.raises(AccountClosed):
        plan.carry_out(made, account, rows, False, True, NOW)
    assert service.dump() == before


def test_create_in_an_account_that_is_gone_is_refused(service):
    who.enter_command()
    account = Account(**account_row("gone"))
    with pytest.raises(AccountClosed):
        queries.create_application(account, {"friendly_name": "late"}, NOW)


def test_import_into_an_account_closed_here_is_refused(database_url, make_database_url):
    succeed("init-db", DATABASE_URL=database_url)
    closed = CHILD | {"status": "closed"}
    accounts = {"restcomm_accounts": [PARENT, closed], "restcomm_applications": []}
    replace_rows(database_url, TABLES | accounts | NO_OTHERS)
    source = make_database_url()
    succeed("init-db", DATABASE_URL=source)
    late = application_row(50, CHILD)
    # An edited export: the account itself is not in it.
    replace_rows(
        source,
        TABLES | {"restcomm_accounts": [STRANGER], "restcomm_applications": [late]} | NO_OTHERS,
    )
    for arguments in ([], ["--dry-run"]):
        code, _, errors = run("import", source, *arguments, DATABASE_URL=database_url)
        assert code == 2
        assert f"its account {CHILD['sid']} is closed" in errors
    assert run("import", source, "--skip-bad", DATABASE_URL=database_url)[0] == 0
    with closing(connect_directly(database_url)) as connection:
        assert connection.execute("SELECT sid FROM restcomm_applications").fetchall() == []
        assert len(connection.execute("SELECT sid FROM restcomm_accounts").fetchall()) == 3


def test_import_takes_closed_accounts_as_the_source_has_them(database_url, make_database_url):
    source = make_database_url()
    for url in (source, database_url):
        succeed("init-db", DATABASE_URL=url)
    closed = CHILD | {"status": "closed"}
    tables = {"restcomm_accounts": [closed], "restcomm_applications": [FULL]}
    replace_rows(source, TABLES | tables | NO_OTHERS)
    for _ in range(2):
        succeed("import", source, DATABASE_URL=database_url)
    with closing(connect_directly(database_url)) as connection:
        found = connection.execute("SELECT sid FROM restcomm_applications").fetchall()
        assert [tuple(row) for row in found] == [(FULL["sid"],)]


def test_closing_again_removes_what_was_left(service):
    close_account(CHILD)
    left = application_row(51, CHILD)
    service.insert({"restcomm_applications": [left]})
    reply = service.request("DELETE", f"/Accounts/{CHILD['sid']}", PARENT)
    assert reply.status_code == 204
    owners = {each.account_sid for each in Application.select()}
    assert CHILD["sid"] not in owners and PARENT["sid"] in owners


def test_an_account_added_after_the_tree_was_listed_is_not_missed(service):
    parent = Account.get_by_id(PARENT["sid"])
    levels = account_locks.list_levels_below(parent)
    service.insert({"restcomm_accounts": [account_row("late", GRANDCHILD)]})

    @transaction
    def lock():
        account_locks.lock_levels_below(parent, levels)

    with pytest.raises(account_locks.TreeHasGrown):
        lock()
    assert service.request("DELETE", f"/Accounts/{PARENT['sid']}", PARENT).status_code == 204
    below = Account.select().where(Account.email_address != STRANGER["email_address"])
    assert {each.status for each in below} == {"closed"}


@pytest.mark.mariadb
def test_closing_waits_for_nobody_outside_its_tree(make_service, database_url):
    service = make_service(DATABASE_URL=f"{database_url}?read_timeout=4")
    service.insert(TABLES)
    with closing(connect_directly(database_url)) as other:
        other.execute("BEGIN")
        # What a long bulk of the stranger's holds.
        other.execute(
            "SELECT sid FROM restcomm_accounts WHERE sid = ? LOCK IN SHARE MODE", [STRANGER["sid"]]
        )
        assert service.request("DELETE", f"/Accounts/{CHILD['sid']}", PARENT).status_code == 204
        other.execute("ROLLBACK")


def _close_and_create(gunicorn, account):
    """List the calls that close an account, and create eight things in it as the account."""
    path = f"/Accounts/{account['sid']}"
    send = partial(gunicorn.request, "POST", account=account)
    create = partial(send, f"{path}/Applications", body=b"FriendlyName=x")
    rows = {"Content-Type": "application/x-ndjson"}
    below = urlencode(NEW_ACCOUNT | {"EmailAddress": f"below-{account['email_address']}"})
    return [
        partial(gunicorn.request, "DELETE", path, STRANGER),
        *[create] * 5,
        partial(create, headers={"Idempotency-Key": "1"}),
        partial(send, f"{path}/Applications/Bulk", body=b'{"FriendlyName": "x"}', headers=rows),
        partial(send, "/Accounts", body=below.encode()),
    ]


def test_nothing_is_left_in_an_account_closed_meanwhile(make_gunicorn, database_url):
    """FAULTS 7: DELETE of an account and 8 creates at once, many rounds."""
    gunicorn = make_gunicorn(workers=2).start()
    rows = [account_row(f"closing{number}", STRANGER) for number in range(ROUNDS)]
    replace_rows(database_url, TABLES | {"restcomm_accounts": [STRANGER, *rows]} | NO_APPLICATIONS)
    answered = Counter()
    for account in rows:
        statuses = [reply[0] for reply in call_together(_close_and_create(gunicorn, account))]
        assert statuses[0] == 204
        answered.update(statuses[1:])
    assert answered[200] + answered[403] == 8 * ROUNDS
    with closing(connect_directly(database_url)) as connection:
        left = connection.execute("SELECT sid FROM restcomm_applications").fetchall()
        status = "SELECT sid FROM restcomm_accounts WHERE status <> 'closed'"
        still_open = [tuple(row) for row in connection.execute(status).fetchall()]
    assert list(left) == []
    assert still_open == [(STRANGER["sid"],)]
