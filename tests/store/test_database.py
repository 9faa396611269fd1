"""The database below the service, whichever it is: Restcomm's tables, locks, failures, dates."""

import re
import threading
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ..support.databases import BEGIN, ENGINE, IntegrityError, connect_directly, read_columns
from ..support.rows import CHILD, FULL, TABLES
from ..support.schemas import SCHEMA
from ..support.service import authorization, check_reply
from ..support.unavailable import INSTANCE, LIST, check_unavailable, send_each


@pytest.fixture
def connection(database_url, service):
    """A connection of the test's own, beside the service's: a foreign writer."""
    connection = connect_directly(database_url)
    yield connection
    connection.close()


@pytest.mark.parametrize("table", SCHEMA)
def test_create_table_has_restcomms_columns(connection, table):
    columns = [" ".join(line.split()) for line in SCHEMA[table].strip().splitlines()]
    assert read_columns(connection, table) == columns


def test_create_tables_keeps_domain_names_unique(connection):
    columns = "sid, domain_name, date_created, date_updated, status"
    with pytest.raises(IntegrityError, match="domain_name"):
        connection.execute(
            f"INSERT INTO restcomm_organizations ({columns}) SELECT 'OR1', domain_name, "
            "date_created, date_updated, status FROM restcomm_organizations"
        )


def test_init_db_twice_keeps_rows(service, database_url, make_gunicorn):
    gunicorn = make_gunicorn()
    before = service.dump()
    assert before["restcomm_applications"]
    assert gunicorn.run("init-db") == ""
    assert gunicorn.run("init-db", "--first-account") == ""
    assert service.dump() == before


def test_read_does_not_wait_for_a_writer(service, connection):
    connection.execute(BEGIN)
    connection.execute("UPDATE restcomm_applications SET friendly_name = 'not yet'")
    # The lock is held until this thread lets it go: a read that waited could not be answered.
    start = time.monotonic()
    reads = 0
    while time.monotonic() - start < 1:
        assert (
            service.request("GET", f"{INSTANCE}.json", CHILD).get_json()["friendly_name"]
            == (FULL["friendly_name"])
        )
        assert "not yet" not in service.request("GET", LIST, CHILD).text
        reads += 2
    assert reads > 10
    connection.commit()
    assert "not yet" in service.request("GET", LIST, CHILD).text


def hold_lock(database_url, statement, seconds):
    """Take the write lock in another thread for some seconds, run a statement and commit.

    Gives the thread once the lock is held.
    """
    held = threading.Event()

    def hold():
        connection = connect_directly(database_url)
        connection.execute(BEGIN)
        connection.execute(statement)
        held.set()
        time.sleep(seconds)  # How long it is held is the test's subject.
        connection.commit()
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    return thread


def test_write_waits_for_a_foreign_writer(service, database_url):
    rename = "UPDATE restcomm_applications SET friendly_name = 'theirs'"
    start = time.monotonic()
    holder = hold_lock(database_url, rename, seconds=2)
    reply = service.request("PUT", f"{INSTANCE}.json", CHILD, data={"Kind": "ussd"})
    assert time.monotonic() - start >= 2
    holder.join()
    # Neither update is lost.
    assert reply.status_code == 200
    assert (reply.get_json()["friendly_name"], reply.get_json()["kind"]) == ("theirs", "ussd")
    assert service.request("GET", f"{INSTANCE}.json", CHILD).get_json() == reply.get_json()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_write_sees_what_a_foreign_writer_removed_meanwhile(service, database_url, method):
    removal = "DELETE FROM restcomm_applications"
    holder = hold_lock(database_url, removal, seconds=0.3)
    numbers = service.dump()["restcomm_incoming_phone_numbers"]
    form = {"FriendlyName": "New"} if method == "PUT" else None
    reply = service.request(method, f"{INSTANCE}.json", CHILD, data=form)
    holder.join()
    assert (reply.status_code, reply.get_json()["code"]) == (404, 20404)
    # What is not there frees nothing either.
    assert service.dump()["restcomm_incoming_phone_numbers"] == numbers


@pytest.mark.parametrize("suffix", ["", ".json"])
@pytest.mark.parametrize("table", ["restcomm_accounts", "restcomm_applications"])
def test_lack_of_a_table_is_unavailable(service, connection, table, suffix):
    connection.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    for reply in send_each(service, suffix):
        check_unavailable(reply, suffix)
    # No restart is needed.
    connection.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert service.request("GET", LIST + suffix, CHILD).status_code == 200


def test_lack_of_a_table_that_a_removal_frees_changes_nothing(service, connection):
    connection.execute("ALTER TABLE restcomm_clients RENAME TO elsewhere")
    check_unavailable(service.request("DELETE", f"{INSTANCE}.json", CHILD), True)
    connection.execute("ALTER TABLE elsewhere RENAME TO restcomm_clients")
    assert service.request("GET", INSTANCE, CHILD).status_code == 200
    bound = "SELECT sid FROM restcomm_incoming_phone_numbers WHERE voice_application_sid = ?"
    assert len(connection.execute(bound, (FULL["sid"],)).fetchall()) == 2


@pytest.mark.parametrize("root_path", ["/restcomm", "/", "/telephony/rest"])
def test_create_stores_the_uri_without_root_path(make_service, database_url, root_path):
    service = make_service(ROOT_PATH=root_path)
    service.insert(TABLES)
    base = root_path.rstrip("/")
    reply = service.client.post(
        f"{base}/2012-04-24{LIST}.json", headers=authorization(CHILD), data={"FriendlyName": "New"}
    )
    check_reply(reply.status_code, reply.headers["Content-Type"], reply.data)
    sid = reply.get_json()["sid"]
    assert reply.get_json()["uri"] == f"{base}/2012-04-24{LIST}/{sid}.json"
    connection = connect_directly(database_url)
    stored = connection.execute("SELECT uri FROM restcomm_applications WHERE sid = ?", (sid,))
    assert stored.fetchall() == [(f"/2012-04-24{LIST}/{sid}",)]
    connection.close()


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("UTC", "+0000"), ("Asia/Kolkata", "+0530"), ("Pacific/Pago_Pago", "-1100")],
)
def test_write_stores_naive_local_times(make_service, database_url, zone, offset):
    service = make_service(TIMEZONE=zone)
    service.insert(TABLES)

    def now():
        now = datetime.now(ZoneInfo(zone)).replace(tzinfo=None)
        return now.replace(microsecond=0) if ENGINE == "mariadb" else now

    moments = [now()]
    reply = service.request("POST", f"{LIST}.json", CHILD, data={"FriendlyName": "New"})
    moments.append(now())
    sid = reply.get_json()["sid"]
    reply = service.request("PUT", f"{LIST}/{sid}.json", CHILD, data={"Kind": "sms"})
    moments.append(now())

    connection = connect_directly(database_url)
    query = "SELECT date_created, date_updated FROM restcomm_applications WHERE sid = ?"
    stored = connection.execute(query, (sid,)).fetchone()
    connection.close()
    for text in stored:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", text)
    dates = [datetime.fromisoformat(text) for text in stored]
    assert moments[0] <= dates[0] <= moments[1] <= dates[1] <= moments[2]
    shown = [reply.get_json()["date_created"], reply.get_json()["date_updated"]]
    assert shown == [f"{date:%a}, {date.day} {date:%b %Y %H:%M:%S} {offset}" for date in dates]
