"""What the removal of an application does to the numbers and clients that point at it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ..support.databases import connect_directly, refuse
from ..support.rows import (
    BARE,
    CHILD,
    DATE,
    FULL,
    PARENT,
    STRANGER,
    STRANGERS,
    TABLES,
    account_row,
    client_row,
    number_row,
)
from ..support.service import BASE

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
READER = account_row("reader", role="AppReader")
# A row whose every other column holds something: what an unbinding overwrites would show.
FILLED = number_row(
    5,
    CHILD,
    voice_url="/voice",
    voice_method="POST",
    voice_application_sid=FULL["sid"],
    sms_url="/sms",
    sms_method="GET",
    sms_application_sid=FULL["sid"],
    ussd_url="/ussd",
    ussd_method="POST",
    ussd_application_sid=BARE["sid"],
    refer_url="/refer",
    refer_method="GET",
    refer_application_sid=BARE["sid"],
    voice_capable=True,
    cost="1.50",
)
FILLED_CLIENT = client_row(
    3, CHILD, voice_url="/voice", voice_method="POST", voice_application_sid=FULL["sid"]
)
BOUND = {
    **TABLES,
    "restcomm_accounts": [*TABLES["restcomm_accounts"], READER],
    "restcomm_incoming_phone_numbers": [*TABLES["restcomm_incoming_phone_numbers"], FILLED],
    "restcomm_clients": [
        *TABLES["restcomm_clients"],
        FILLED_CLIENT,
        # A stranger's client that points at a foreign application.
        client_row(4, STRANGER, voice_application_sid=FULL["sid"]),
    ],
}
POINTERS = ("restcomm_incoming_phone_numbers", "restcomm_clients")
# What a removal of FULL frees: (table, the end of the row's sid) -> columns.
FREED = {
    (POINTERS[0], 1): {"voice_application_sid"},
    (POINTERS[0], 2): {"ussd_application_sid", "refer_application_sid"},
    (POINTERS[0], 4): {"voice_application_sid"},
    (POINTERS[0], 5): {"voice_application_sid", "sms_application_sid"},
    (POINTERS[1], 1): {"voice_application_sid"},
    (POINTERS[1], 3): {"voice_application_sid"},
    (POINTERS[1], 4): {"voice_application_sid"},
}
SECRETS = ("trigger", "constraint", "sqlite", "integrity", "traceback", "restcomm_applications")


@pytest.fixture
def service(make_service):
    """The application with default settings, and rows of which many point at FULL."""
    service = make_service(ROLES="AppReader=RestComm:Read:Applications")
    service.insert(BOUND)
    return service


@pytest.fixture
def connection(database_url, service):
    """A connection of the test's own, beside the service's."""
    connection = connect_directly(database_url)
    yield connection
    connection.close()


def read_pointers(connection):
    """Read the numbers and clients as {(table, the end of the sid): {column: value}}."""
    rows = {}
    for table in POINTERS:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        for values in cursor:
            row = dict(zip(names, values))
            rows[table, int(row["sid"][2:])] = row
    return rows


def test_remove_frees_everything_that_points_at_the_application(service, connection):
    before = read_pointers(connection)
    assert service.request("DELETE", INSTANCE, CHILD).status_code == 204
    after = read_pointers(connection)
    assert after.keys() == before.keys()
    for key, row in before.items():
        freed = FREED.get(key, set())
        changed = {column for column, value in row.items() if after[key][column] != value}
        assert changed == (freed | {"date_updated"} if freed else set()), key
        assert {after[key][column] for column in freed} <= {None}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_remove_dates_what_it_frees_in_the_zone(make_service, database_url, zone):
    service = make_service(TIMEZONE=zone)
    service.insert(BOUND)
    start = datetime.now(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
    service.request("DELETE", INSTANCE, CHILD)
    end = datetime.now(ZoneInfo(zone)).replace(tzinfo=None)
    connection = connect_directly(database_url)
    after = read_pointers(connection)
    connection.close()
    for key in FREED:
        assert start <= datetime.fromisoformat(after[key]["date_updated"]) <= end
        assert after[key]["date_created"] == DATE


def test_remove_shows_in_the_numbers_of_what_is_left(service):
    service.request("DELETE", INSTANCE, CHILD)
    listed = service.request("GET", f"{LIST}.json?includeNumbers=true", CHILD).get_json()
    numbers = {each["sid"]: each.get("numbers", []) for each in listed}
    assert FULL["sid"] not in numbers
    assert [number["sid"] for number in numbers[BARE["sid"]]] == [
        number_row(1, CHILD)["sid"],
        FILLED["sid"],
    ]
    assert [number.get("voice_application_sid") for number in numbers[BARE["sid"]]] == [None, None]


def test_remove_takes_this_application_alone(service):
    before = service.dump()["restcomm_applications"]
    service.request("DELETE", INSTANCE, CHILD)
    after = service.dump()["restcomm_applications"]
    assert after == [row for row in before if row[0] != FULL["sid"]]


def test_remove_leaves_the_pointers_if_told_so(make_service):
    service = make_service(ON_REMOVE="leave")
    service.insert(BOUND)
    before = service.dump()
    assert service.request("DELETE", INSTANCE, CHILD).status_code == 204
    after = service.dump()
    assert FULL["sid"] not in [row[0] for row in after.pop("restcomm_applications")]
    # The trail tells of the removal and of nothing else.
    assert (
        len(after.pop("restcomm_apps_changes")) == len(after.pop("restcomm_apps_change_heads")) == 1
    )
    assert after == {table: rows for table, rows in before.items() if table in after}


@pytest.mark.parametrize(
    ("account", "path", "status", "code"),
    [
        (STRANGER, INSTANCE, 403, 20006),
        (PARENT, INSTANCE, 403, 20006),
        (READER, f"/Accounts/{READER['sid']}/Applications/{FULL['sid']}", 403, 20006),
        (STRANGER, f"/Accounts/{STRANGER['sid']}/Applications/{FULL['sid']}", 403, 20006),
        (CHILD, f"{LIST}/{STRANGERS['sid']}", 403, 20006),
        (CHILD, f"{LIST}/AP{'9' * 32}", 404, 20404),
        (CHILD, f"{LIST}/{FULL['sid'].lower()}", 404, 20404),
        (CHILD, f"{LIST}/{FULL['sid'][:-1]}", 404, 20404),
        (CHILD, f"{LIST}/%25", 404, 20404),
        (CHILD, LIST, 405, 20405),
        (CHILD | {"auth_token": "wrong"}, INSTANCE, 401, 20003),
    ],
    ids=[
        "by-a-stranger",
        "by-the-parent",
        "by-a-role-that-may-only-read",
        "foreign-application-below-own-account",
        "foreign-application-that-nothing-is-bound-to",
        "unknown",
        "other-case",
        "too-short",
        "wildcard",
        "whole-list",
        "wrong-token",
    ],
)
def test_refuse_to_remove_unbinds_nothing(service, account, path, status, code):
    before = service.dump()
    reply = service.request("DELETE", f"{path}.json", account)
    assert (reply.status_code, reply.get_json()["code"]) == (status, code)
    assert service.dump() == before


@pytest.mark.parametrize("suffix", ["", ".xml", ".json"])
def test_fail_in_the_middle_of_a_removal_unbinds_nothing(service, connection, suffix):
    refuse(connection, "DELETE", "restcomm_applications")
    before = service.dump()
    reply = service.request("DELETE", INSTANCE + suffix, CHILD)
    assert reply.status_code == 500
    assert b"20500" in reply.data
    assert reply.mimetype == ("application/json" if suffix == ".json" else "application/xml")
    assert [secret for secret in (*SECRETS, "says no") if secret in reply.text.lower()] == []
    assert service.dump() == before

    # The connection is not left in the failed transaction: the next removal does all of it.
    connection.execute("DROP TRIGGER refuse")
    assert service.request("DELETE", INSTANCE, CHILD).status_code == 204
    after = read_pointers(connection)
    assert FULL["sid"] not in [value for row in after.values() for value in row.values()]


def test_fail_in_the_middle_of_the_unbinding_frees_nothing(service, connection):
    # The clients come last: the numbers have been freed when this fails.
    refuse(connection, "UPDATE", "restcomm_clients")
    before = service.dump()
    reply = service.request("DELETE", f"{INSTANCE}.json", CHILD)
    assert (reply.status_code, reply.get_json()["code"]) == (500, 20500)
    assert service.dump() == before


@pytest.mark.parametrize("on_remove", ["unbind", "leave"])
def test_remove_twice_is_not_found(make_service, on_remove):
    service = make_service(ON_REMOVE=on_remove)
    service.insert(BOUND)
    service.request("DELETE", INSTANCE, CHILD)
    removed = service.dump()
    reply = service.request("DELETE", f"{INSTANCE}.json", CHILD)
    assert (reply.status_code, reply.get_json()["code"]) == (404, 20404)
    assert service.request("GET", INSTANCE, CHILD).status_code == 404
    assert INSTANCE.rpartition("/")[2] not in service.request("GET", LIST, CHILD).text
    assert service.dump() == removed


def test_remove_and_create_again_binds_nothing_anew(service, connection):
    service.request("DELETE", INSTANCE, CHILD)
    freed = read_pointers(connection)
    reply = service.request(
        "POST", f"{LIST}.json", CHILD, data={"FriendlyName": FULL["friendly_name"]}
    )
    assert reply.get_json()["sid"] != FULL["sid"]
    assert reply.get_json()["uri"].startswith(f"{BASE}{LIST}/AP")
    assert read_pointers(connection) == freed
