"""Two applications in one process, each on its own database: one of today with a trail, one that an
older Restcomm has made, which lacks columns and this service's tables.
"""

import threading
from contextlib import closing
from contextvars import Context, copy_context

import pytest

from restcomm_apps.resources import listings
from restcomm_apps.store.database import NoStore, current_store, database
from restcomm_apps.store.models import Account
from restcomm_apps.store.service_models import Change

from ..support.databases import ENGINE, connect_directly
from ..support.rows import CHILD, FULL, STRANGER, TABLES, account_row, application_row
from ..support.schemas import AGES, make_tables
from ..support.service import Service, authorization

OWNER = account_row("owner")
OWNERS = [application_row(number, OWNER) for number in range(101, 108)]
OLD_ROWS = {"restcomm_accounts": [OWNER], "restcomm_applications": OWNERS}
OLDEST = list(AGES)[-1]


def path_of(account):
    return f"/Accounts/{account['sid']}/Applications"


class OldService(Service):
    """The service on the SQLite file of an older Restcomm, as it is."""

    def prepare(self):
        """Leave the tables as they are."""


@pytest.fixture
def old(tmp_path):
    """The application on an older Restcomm's database; it keeps no trail."""
    path = tmp_path / "old.db"
    with closing(connect_directly(f"sqlite:///{path}")) as connection:
        columns = make_tables(connection, OLDEST)
        for table, rows in OLD_ROWS.items():
            for row in rows:
                held = {name: value for name, value in row.items() if name in columns[table]}
                marks = ", ".join("?" * len(held))
                statement = f"INSERT INTO {table} ({', '.join(held)}) VALUES ({marks})"
                connection.execute(statement, list(held.values()))
        connection.commit()
    service = OldService(f"sqlite:///{path}", AUDIT="off")
    yield service
    service.close()


@pytest.fixture
def new(make_service):
    """The application with the usual rows and a trail; made after ``old`` where a test has both."""
    service = make_service(AUDIT="required")
    service.insert(TABLES)
    return service


@pytest.fixture
def both(old, new):
    """(service, account that it knows, one of its applications), of both."""
    return (old, OWNER, OWNERS[0]), (new, CHILD, FULL)


def test_each_answers_its_own_accounts(both):
    for _ in range(2):
        for service, account, application in both:
            reply = service.request("GET", f"{path_of(account)}.json", account)
            assert reply.status_code == 200
            assert application["sid"] in [row["sid"] for row in reply.json]
    (old, *_), (new, *_) = both
    assert old.request("GET", f"{path_of(CHILD)}.json", CHILD).status_code == 401
    assert new.request("GET", f"{path_of(OWNER)}.json", OWNER).status_code == 401


def test_each_reads_the_columns_that_it_has(both):
    for service, account, _ in both * 2:
        shown = service.request("GET", f"/Accounts/{account['sid']}.json", account).json
        assert ("organization" in shown) is (account is CHILD)
        assert service.request("GET", f"{path_of(account)}.json?includeNumbers=true", account)


def test_each_writes_to_its_own_database_and_one_has_a_trail(both):
    (old, *_), (new, *_) = both
    for number in range(2):
        for service, account, application in both:
            form = {"FriendlyName": f"name {number}"}
            path = f"{path_of(account)}/{application['sid']}.json"
            assert service.request("PUT", path, account, data=form).status_code == 200
            assert service.request("POST", f"{path_of(account)}.json", account, data=form)
    assert new.store.run(Change.select().count) == 4
    assert "restcomm_apps_changes" not in old.store.tables
    names = dict(
        old.store.database.execute_sql("SELECT sid, friendly_name FROM restcomm_applications")
    )
    assert names[OWNERS[0]["sid"]] == "name 1"
    assert FULL["sid"] not in names


def test_keys_are_kept_where_there_is_a_table_for_them(both):
    key = {"Idempotency-Key": "a"}
    form = {"FriendlyName": "once"}
    replies = [
        service.request("POST", f"{path_of(account)}.json", account, key, data=form)
        for service, account, _ in both * 2
    ]
    assert [reply.status_code for reply in replies] == [501, 200, 501, 200]
    assert replies[1].data == replies[3].data


@pytest.mark.parametrize("suffix", ["", ".json", ".csv", ".json?includeNumbers=true"])
def test_lists_that_are_read_in_turns_stay_apart(both, monkeypatch, suffix):
    whole = [
        service.request("GET", path_of(account) + suffix, account).data
        for service, account, _ in both
    ]
    monkeypatch.setattr(listings, "BATCH", 1)
    streams = [open_stream(service, account, suffix) for service, account, _ in both]
    bodies = [b""] * len(streams)
    pending = set(range(len(streams)))
    while pending:
        for index in sorted(pending):
            # As a server does, in a context of its own.
            piece = Context().run(next, streams[index].iter_encoded, None)
            if piece is None:
                pending.discard(index)
            else:
                bodies[index] += piece
    assert bodies == whole


def open_stream(service, account, suffix):
    """Ask for a list and leave its body to be read."""
    reply = service.client.get(
        f"/restcomm/2012-04-24{path_of(account)}{suffix}",
        headers=authorization(account),
        buffered=False,
    )
    assert reply.status_code == 200
    assert reply.is_streamed
    reply.iter_encoded = reply.iter_encoded()
    return reply


def test_each_answers_in_threads(both):
    statuses = []

    def ask(service, account, application):
        for _ in range(10):
            path = f"{path_of(account)}/{application['sid']}.json"
            read = service.client.get(f"/restcomm/2012-04-24{path}", headers=authorization(account))
            written = service.client.post(
                f"/restcomm/2012-04-24{path_of(account)}.json",
                headers=authorization(account),
                data={"FriendlyName": "x"},
            )
            statuses.append((read.status_code, read.json["sid"], written.status_code))
        service.close()

    threads = [threading.Thread(target=ask, args=each) for each in both * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [(200, application["sid"], 200) for _, _, application in both * 2]
    assert sorted(statuses) == sorted(expected * 10)


def test_health_asks_its_own_database(both, tmp_path):
    (old, *_), (new, *_) = both
    old.close()
    (tmp_path / "old.db").write_bytes(b"This is no database. " * 1000)
    assert old.client.get("/restcomm/2012-04-24/Health").status_code == 503
    assert new.client.get("/restcomm/2012-04-24/Health").data == b"OK"


def test_a_thread_has_no_store_until_it_is_given_one(new):
    outcomes = []

    def count():
        try:
            outcomes.append(Account.select().count())
        except NoStore as error:
            outcomes.append(error)
        finally:
            new.close()

    context = copy_context()
    for target in (count, lambda: new.store.run(count), lambda: context.run(count)):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    assert "Store.run" in str(outcomes[0])
    assert outcomes[1:] == [len(TABLES["restcomm_accounts"])] * 2
    with pytest.raises(NoStore):
        Context().run(lambda: database.get_tables())


def test_the_last_made_is_the_current_one_of_the_calling_context(old, new):
    assert current_store() is new.store
    assert old.store.run(current_store) is old.store
    assert current_store() is new.store
    assert old.store.run(lambda: Account.get().sid) == OWNER["sid"]
    assert new.store.run(Account.get_or_none, Account.sid == STRANGER["sid"]) is not None


def test_engines_differ_in_one_process(both):
    (old, *_), (new, *_) = both
    assert not old.store.is_mysql
    assert new.store.is_mysql is (ENGINE == "mariadb")
