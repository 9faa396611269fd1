"""Creating, changing and closing accounts over HTTP; who may is told by test_tenant_matrix."""

import hashlib
from functools import partial
from urllib.parse import urlencode

import pytest

from restcomm_apps.store.models import Account

from ..support.rows import (
    CHILD,
    FULL,
    GRANDCHILD,
    NEW_ACCOUNT,
    ORGANIZATION,
    PARENT,
    SIBLING,
    STRANGER,
    TABLES,
    account_row,
)
from ..support.together import call_together

NEW_SID = "AC" + hashlib.md5(b"new@example.com").hexdigest()
NEW_TOKEN = hashlib.md5(b"pass word").hexdigest()
PATH = f"/Accounts/{CHILD['sid']}"
both_methods = pytest.mark.parametrize("method", ["POST", "PUT"])
LONG_ADDRESS = "x" * 242 + "@example.com"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def create(service, form, caller=PARENT, **options):
    return service.request("POST", "/Accounts.json", caller, data=form, **options)


def update(service, account, form, caller=PARENT, method="POST"):
    return service.request(method, f"/Accounts/{account['sid']}.json", caller, data=form)


def check_error(reply, status, code, names=""):
    """Assert an error and a text that its message holds."""
    assert (reply.status_code, reply.json["code"]) == (status, code)
    assert names in reply.json["message"]


def status_of(account):
    return Account.get_by_id(account["sid"]).status


def logs_in(service, name, password):
    """Tell whether credentials open the account they name."""
    reply = service.request("GET", "/Accounts", {"sid": name, "auth_token": password})
    return reply.status_code == 200


def test_create_answers_the_account_in_both_formats(service):
    created = create(service, NEW_ACCOUNT | {"FriendlyName": "New <&>", "Role": "Developer"})
    assert created.status_code == 200
    assert created.headers["Content-Type"] == "application/json"
    shown = created.json
    assert {key: shown[key] for key in list(shown)[:7]} == {
        "sid": NEW_SID,
        "organization": ORGANIZATION,
        "friendly_name": "New <&>",
        "email_address": "new@example.com",
        "type": "Full",
        "status": "active",
        "role": "Developer",
    }
    assert shown["auth_token"] == NEW_TOKEN
    assert shown["date_created"] == shown["date_updated"]
    own = {"sid": NEW_SID, "auth_token": NEW_TOKEN}
    read = service.request("GET", f"/Accounts/{NEW_SID}.json", own)
    assert created.data == read.data
    xml = service.request("POST", f"/Accounts/{NEW_SID}", own)
    assert xml.data == service.request("GET", f"/Accounts/{NEW_SID}", own).data


def test_create_without_more_takes_name_role_and_organization_from_what_there_is(make_service):
    service = make_service(ROLES="Keeper=RestComm:*:Accounts")
    creator = account_row("creator", role="Keeper", organization_sid="OR" + "1" * 32)
    service.insert({"restcomm_accounts": [creator]})
    shown = create(service, NEW_ACCOUNT, creator).json
    assert (shown["friendly_name"], shown["role"]) == ("new@example.com", "Keeper")
    assert shown["organization"] == "OR" + "1" * 32
    assert Account.get_by_id(NEW_SID).parent_sid == creator["sid"]
    assert Account.get_by_id(NEW_SID).uri == f"/2012-04-24/Accounts/{NEW_SID}"


def test_create_cuts_a_long_address_for_the_name(service):
    shown = create(service, NEW_ACCOUNT | {"EmailAddress": LONG_ADDRESS}).json
    assert shown["friendly_name"] == LONG_ADDRESS[:64]


def test_create_opens_the_account_at_once(service):
    create(service, NEW_ACCOUNT)
    for name in (NEW_SID, "new@example.com"):
        for password in ("pass word", NEW_TOKEN):
            assert logs_in(service, name, password)
    assert not logs_in(service, NEW_SID, "pass words")


@pytest.mark.parametrize(
    ("changed", "code", "names"),
    [
        ({"EmailAddress": None}, 21401, "EmailAddress"),
        ({"Password": None}, 21401, "Password"),
        *(
            ({"EmailAddress": text}, 21402, "EmailAddress")
            for text in ("", "new", "a b@c.d", "a:b@c.d", "a/b@c.d", "a@b@c.d", "\x01@c.d")
        ),
        ({"EmailAddress": "x" + LONG_ADDRESS}, 21402, "EmailAddress"),
        *(({"Password": text}, 21402, "Password") for text in ("", "1234567", "x" * 129)),
        *(({"FriendlyName": text}, 21402, "FriendlyName") for text in ("", "x" * 65, "\x00")),
        *(({"Role": text}, 21402, "Role") for text in ("", "administrator", "Pilot")),
        *(({"Status": text}, 21402, "Status") for text in ("", "open", "closed", "CLOSED")),
    ],
)
def test_create_with_a_bad_parameter_changes_nothing(service, changed, code, names):
    before = service.dump()
    form = {name: text for name, text in (NEW_ACCOUNT | changed).items() if text is not None}
    check_error(create(service, form), 400, code, names)
    assert service.dump() == before


@pytest.mark.parametrize("status", ["active", "suspended", "inactive", "uninitialized"])
def test_create_with_a_status(service, status):
    assert create(service, NEW_ACCOUNT | {"Status": status.title()}).json["status"] == status


@pytest.mark.parametrize(
    "taken", [CHILD, SIBLING, STRANGER, PARENT], ids=lambda row: row["friendly_name"]
)
@pytest.mark.parametrize("change", [str, str.upper, str.title])
def test_create_with_an_address_that_is_taken_is_a_conflict(service, taken, change):
    before = service.dump()
    form = NEW_ACCOUNT | {"EmailAddress": change(taken["email_address"])}
    check_error(create(service, form), 409, 20409, "EmailAddress")
    assert service.dump() == before


def test_create_with_the_address_of_a_closed_account_is_a_conflict(service):
    service.request("DELETE", PATH, PARENT)
    check_error(create(service, NEW_ACCOUNT | {"EmailAddress": CHILD["email_address"]}), 409, 20409)


def test_create_refuses_a_role_that_may_more_than_the_caller(make_service):
    service = make_service(
        ROLES="Keeper=RestComm:*:Accounts; Reader=RestComm:Read:Accounts; "
        "Clerk=RestComm:Read:Applications"
    )
    keeper = account_row("keeper", role="Keeper")
    service.insert({"restcomm_accounts": [keeper]})
    before = service.dump()
    for role in ("Administrator", "Developer", "Clerk"):
        check_error(create(service, NEW_ACCOUNT | {"Role": role}, keeper), 403, 20006)
    assert service.dump() == before
    assert create(service, NEW_ACCOUNT | {"Role": "Reader"}, keeper).json["role"] == "Reader"


def test_create_in_json_is_an_unsupported_media_type(service):
    reply = service.request("POST", "/Accounts.json", PARENT, json=NEW_ACCOUNT)
    check_error(reply, 415, 20415)


@both_methods
def test_update_changes_what_is_sent_and_its_date(service, method):
    before = service.request("GET", f"{PATH}.json", PARENT).json
    form = {"FriendlyName": "Renamed", "Role": "Developer", "Status": "Suspended"}
    shown = update(service, CHILD, form, method=method).json
    assert shown == service.request("GET", f"{PATH}.json", PARENT).json
    changes = {"friendly_name": "Renamed", "role": "Developer", "status": "suspended"}
    assert shown["date_updated"] != before["date_updated"]
    assert shown == before | changes | {"date_updated": shown["date_updated"]}


@both_methods
def test_update_with_nothing_that_may_change_changes_nothing(service, method):
    before = service.dump()
    form = {
        "ParentSid": STRANGER["sid"],
        "AccountSid": STRANGER["sid"],
        "Sid": STRANGER["sid"],
        "Organization": "OR" + "1" * 32,
        "OrganizationSid": "OR" + "1" * 32,
        "EmailAddress": "new@example.com",
        "AuthToken": "f" * 32,
        "Type": "Trial",
        "DateCreated": "x",
    }
    assert update(service, CHILD, form, CHILD, method).status_code == 200
    assert service.dump() == before


def test_update_of_the_password_moves_the_credentials(service):
    shown = update(service, CHILD, {"Password": "another pässword"}, CHILD).json
    assert shown["auth_token"] == md5("another pässword")
    assert logs_in(service, CHILD["sid"], "another pässword")
    assert not logs_in(service, CHILD["sid"], "child")
    assert not logs_in(service, CHILD["sid"], CHILD["auth_token"])


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ({"FriendlyName": ""}, "FriendlyName"),
        ({"Password": "1234567"}, "Password"),
        ({"Role": "Pilot"}, "Role"),
        ({"Status": "open"}, "Status"),
        ({"FriendlyName": "fine", "Status": "open"}, "Status"),
    ],
)
def test_update_with_a_bad_parameter_changes_nothing(service, form, names):
    before = service.dump()
    check_error(update(service, CHILD, form), 400, 21402, names)
    assert service.dump() == before


def test_update_tells_a_missing_permission_before_a_bad_parameter(service):
    check_error(update(service, PARENT, {"Role": "Pilot"}, CHILD), 403, 20006)


@pytest.mark.parametrize("role", ["Administrator", "Developer", "Keeper", "Clerk"])
@pytest.mark.parametrize("wanted", ["Administrator", "Developer", "Keeper", "Clerk", "Guest"])
def test_update_of_ones_own_role_never_raises_it(make_service, role, wanted):
    service = make_service(
        ROLES="Keeper=RestComm:*:Accounts; Clerk=RestComm:Modify:Accounts; Guest="
    )
    own = account_row("own", PARENT, role=role)
    service.insert({"restcomm_accounts": [PARENT, own]})
    within = {
        "Administrator": {"Administrator", "Developer", "Keeper", "Clerk", "Guest"},
        "Developer": {"Developer", "Clerk", "Guest"},
        "Keeper": {"Keeper", "Clerk", "Guest"},
        "Clerk": {"Clerk", "Guest"},
    }
    reply = update(service, own, {"Role": wanted}, own)
    assert reply.status_code == (200 if wanted in within[role] else 403)
    assert Account.get_by_id(own["sid"]).role == (wanted if wanted in within[role] else role)


@pytest.mark.parametrize("status", ["suspended", "inactive", "uninitialized"])
def test_update_of_ones_own_status_is_refused_but_for_closing(service, status):
    before = service.dump()
    check_error(update(service, CHILD, {"Status": status}, CHILD), 403, 20006)
    assert service.dump() == before
    assert update(service, CHILD, {"Status": "active"}, CHILD).status_code == 200
    assert update(service, CHILD, {"Status": "closed"}, CHILD).json["status"] == "closed"


def test_update_of_the_status_suspends_and_wakes(service):
    update(service, CHILD, {"Status": "suspended"})
    refused = service.request("GET", f"{PATH}.json", CHILD)
    check_error(refused, 403, 20005)
    update(service, CHILD, {"Status": "active"})
    assert logs_in(service, CHILD["sid"], "child")


CLOSINGS = {
    "DELETE": ("DELETE", None, 204),
    "POST": ("POST", {"Status": "closed"}, 200),
    "PUT": ("PUT", {"Status": "Closed", "FriendlyName": "not set"}, 200),
}


@pytest.mark.parametrize("closing", CLOSINGS)
@pytest.mark.parametrize("caller", [CHILD, PARENT], ids=lambda row: row["friendly_name"])
def test_close_ends_all_below_and_nothing_else(service, closing, caller):
    method, form, status = CLOSINGS[closing]
    before = service.dump()
    reply = service.request(method, f"{PATH}.json", caller, data=form)
    assert reply.status_code == status
    assert reply.data == b"" or reply.json["status"] == "closed"
    after = service.dump()
    closed = {CHILD["sid"], GRANDCHILD["sid"]}
    for was, row in zip(before["restcomm_accounts"], after["restcomm_accounts"], strict=True):
        if row[0] in closed:
            assert row[7] == "closed" and row[2] != was[2]
            assert row[:2] + row[3:7] + row[8:] == was[:2] + was[3:7] + was[8:]
        else:
            assert row == was
    owned = [row for row in before["restcomm_applications"] if row[4] in closed]
    assert len(owned) == 5
    left = [row for row in before["restcomm_applications"] if row not in owned]
    assert after["restcomm_applications"] == left
    gone = {row[0] for row in owned}
    pointers = ("restcomm_incoming_phone_numbers", "restcomm_clients")
    assert not gone & {cell for table in pointers for row in after[table] for cell in row}
    for row in (CHILD, GRANDCHILD):
        check_error(service.request("GET", "/Accounts.json", row), 403, 20005)
    assert logs_in(service, SIBLING["sid"], "sibling")


def test_close_leaves_numbers_bound_where_the_setting_says_so(make_service):
    service = make_service(ON_REMOVE="leave")
    service.insert(TABLES)
    before = service.dump()["restcomm_incoming_phone_numbers"]
    assert service.request("DELETE", PATH, CHILD).status_code == 204
    assert service.dump()["restcomm_incoming_phone_numbers"] == before
    assert FULL["sid"] in {cell for row in before for cell in row}


def test_close_answers_the_status_of_the_setting(make_service):
    service = make_service(DELETE_STATUS="200")
    service.insert(TABLES)
    reply = service.request("DELETE", PATH, CHILD)
    assert (reply.status_code, reply.data) == (200, b"")


def test_close_reaches_a_wide_and_deep_tree(service):
    """More accounts than one statement takes, in more levels than the original served."""
    line = [GRANDCHILD]
    for n in range(30):
        line.append(account_row(f"line-{n}", line[-1]))
    wide = [account_row(f"wide-{n}", line[-1]) for n in range(600)]
    service.insert({"restcomm_accounts": [*line[1:], *wide]})
    service.request("DELETE", PATH, PARENT)
    still_active = {row.sid for row in Account.select().where(Account.status == "active")}
    assert still_active == {PARENT["sid"], SIBLING["sid"], STRANGER["sid"]}


def test_close_of_a_ring_ends_it(service):
    ring = [account_row("ring-a"), account_row("ring-b"), account_row("ring-c")]
    for row, above in zip(ring, ring[1:] + ring[:1]):
        row["parent_sid"] = above["sid"]
    service.insert({"restcomm_accounts": ring})
    assert service.request("DELETE", f"/Accounts/{ring[0]['sid']}", ring[0]).status_code == 204
    assert {status_of(row) for row in ring} == {"closed"}


@pytest.mark.parametrize(
    "form", [{"Status": "active"}, {"FriendlyName": "x"}, {"Password": "pass word"}]
)
def test_closed_account_stays_closed(service, form):
    service.request("DELETE", PATH, PARENT)
    before = service.dump()
    check_error(update(service, CHILD, form), 409, 20007)
    assert service.dump() == before


def test_closing_a_closed_account_changes_nothing(service):
    service.request("DELETE", PATH, PARENT)
    before = service.dump()
    assert service.request("DELETE", PATH, PARENT).status_code == 204
    assert update(service, CHILD, {"Status": "closed"}).json["status"] == "closed"
    assert service.dump() == before


LAST = account_row("last")
BELOW = account_row("below", LAST)
OTHERS = {
    "nobody": [],
    "a closed one": [account_row("other", status="closed")],
    "a suspended one": [account_row("other", status="suspended")],
    "one that may nothing": [account_row("other", role="Guest")],
}
ENDINGS = {
    "DELETE": ("DELETE", None),
    "closed": ("POST", {"Status": "closed"}),
    "another role": ("PUT", {"Role": "Developer"}),
}


@pytest.mark.parametrize("others", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize(("method", "form"), ENDINGS.values(), ids=list(ENDINGS))
def test_last_active_top_account_stays(make_service, others, method, form):
    service = make_service(ROLES="Guest=")
    service.insert({"restcomm_accounts": [LAST, BELOW, *others]})
    before = service.dump()
    reply = service.request(method, f"/Accounts/{LAST['sid']}.json", LAST, data=form)
    check_error(reply, 409, 20008)
    assert service.dump() == before


@pytest.mark.parametrize(("method", "form"), ENDINGS.values(), ids=list(ENDINGS))
def test_top_account_may_end_while_another_administrates(service, method, form):
    reply = service.request(method, f"/Accounts/{STRANGER['sid']}", STRANGER, data=form)
    assert reply.status_code in (200, 204)


def test_last_top_account_keeps_its_other_properties_to_change(service):
    service.request("DELETE", f"/Accounts/{STRANGER['sid']}", STRANGER)
    form = {"FriendlyName": "x", "Password": "pass word", "Role": "Administrator"}
    assert update(service, PARENT, form, PARENT).status_code == 200


def test_two_top_accounts_that_end_at_once_leave_one(service, make_gunicorn):
    gunicorn = make_gunicorn(workers=2).start()
    tops = [PARENT, STRANGER]
    ends = [partial(gunicorn.request, "DELETE", f"/Accounts/{top['sid']}", top) for top in tops]
    assert sorted(reply[0] for reply in call_together(ends)) == [204, 409]
    assert sorted(status_of(top) for top in tops) == ["active", "closed"]


def test_one_address_created_at_once_is_created_once(service, make_gunicorn):
    gunicorn = make_gunicorn(workers=2).start()
    body = urlencode(NEW_ACCOUNT).encode()
    creates = [
        partial(gunicorn.request, "POST", "/Accounts", creator, body)
        for creator in (PARENT, CHILD, SIBLING, STRANGER) * 2
    ]
    assert sorted(reply[0] for reply in call_together(creates)) == [200] + [409] * 7


@pytest.fixture
def uninitialized(service):
    """An account whose password is "uninitialized" and well known."""
    row = account_row("uninitialized", PARENT, status="uninitialized")
    service.insert({"restcomm_accounts": [row]})
    return row


@both_methods
def test_first_login_reads_the_account_and_sets_a_password(service, uninitialized, method):
    """What AdminUI does: it reads the status, asks for a password, and goes on with it."""
    path = f"/Accounts.json/{uninitialized['email_address']}"
    assert service.request("GET", path, uninitialized).json["status"] == "uninitialized"
    shown = update(service, uninitialized, {"Password": "my own one"}, uninitialized, method).json
    assert (shown["status"], shown["auth_token"]) == ("active", md5("my own one"))
    assert logs_in(service, uninitialized["sid"], "my own one")
    assert not logs_in(service, uninitialized["sid"], "uninitialized")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"FriendlyName": "x"},
        {"Status": "active"},
        {"Status": "closed"},
        {"Password": "my own one", "Status": "active"},
        {"Password": "my own one", "Role": "Administrator"},
        {"Password": "my own one", "FriendlyName": "x"},
    ],
)
def test_first_login_may_set_a_password_only(service, uninitialized, form):
    before = service.dump()
    check_error(update(service, uninitialized, form, uninitialized), 403, 20005)
    assert service.dump() == before


def test_first_login_must_not_keep_the_password(service, uninitialized):
    before = service.dump()
    check_error(
        update(service, uninitialized, {"Password": "uninitialized"}, uninitialized),
        400,
        21402,
        "Password",
    )
    assert service.dump() == before


def test_password_by_an_ancestor_initializes_too(service, uninitialized):
    assert update(service, uninitialized, {"Password": "pass word"}).json["status"] == "active"


def test_password_by_an_ancestor_with_a_status_keeps_that_status(service, uninitialized):
    form = {"Password": "pass word", "Status": "uninitialized"}
    assert update(service, uninitialized, form).json["status"] == "uninitialized"
