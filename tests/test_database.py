"""The database below the service: Restcomm's tables, what a query costs, locks and failures."""

import re
import shutil
import sqlite3
import threading
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from restcomm_apps.database import database

from .rows import CHILD, FULL, NAMESAKE, TABLES
from .service import authorization, check_reply, connect_directly
from .soak.load import KeptAliveClient, open_files, run_together, worker_pids

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"

# Copied by hand from Restcomm's schema; "null" marks a column that may be null, "key" the primary
# key.
SCHEMA = {
    "restcomm_organizations": """
        sid                     VARCHAR(34) key
        domain_name             VARCHAR(255)
        date_created            DATETIME
        date_updated            DATETIME
        status                  VARCHAR(16)
    """,
    "restcomm_accounts": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        email_address           MEDIUMTEXT
        friendly_name           VARCHAR(64)
        parent_sid              VARCHAR(34) null
        type                    VARCHAR(8)
        status                  VARCHAR(16)
        auth_token              VARCHAR(32)
        role                    VARCHAR(64)
        uri                     MEDIUMTEXT
        organization_sid        VARCHAR(34)
    """,
    "restcomm_applications": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        friendly_name           VARCHAR(64)
        account_sid             VARCHAR(34)
        api_version             VARCHAR(10)
        voice_caller_id_lookup  BOOLEAN
        uri                     MEDIUMTEXT
        rcml_url                MEDIUMTEXT null
        kind                    VARCHAR(5) null
    """,
    "restcomm_incoming_phone_numbers": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        friendly_name           VARCHAR(256)
        account_sid             VARCHAR(34)
        phone_number            VARCHAR(30)
        api_version             VARCHAR(10)
        voice_caller_id_lookup  BOOLEAN
        voice_url               MEDIUMTEXT null
        voice_method            VARCHAR(4) null
        voice_fallback_url      MEDIUMTEXT null
        voice_fallback_method   VARCHAR(4) null
        status_callback         MEDIUMTEXT null
        status_callback_method  VARCHAR(4) null
        voice_application_sid   VARCHAR(34) null
        sms_url                 MEDIUMTEXT null
        sms_method              VARCHAR(4) null
        sms_fallback_url        MEDIUMTEXT null
        sms_fallback_method     VARCHAR(4) null
        sms_application_sid     VARCHAR(34) null
        uri                     MEDIUMTEXT
        voice_capable           BOOLEAN null
        sms_capable             BOOLEAN null
        mms_capable             BOOLEAN null
        fax_capable             BOOLEAN null
        pure_sip                BOOLEAN null
        cost                    VARCHAR(10) null
        ussd_url                MEDIUMTEXT null
        ussd_method             VARCHAR(4) null
        ussd_fallback_url       MEDIUMTEXT null
        ussd_fallback_method    VARCHAR(4) null
        ussd_application_sid    VARCHAR(34) null
        refer_url               MEDIUMTEXT null
        refer_method            VARCHAR(4) null
        refer_application_sid   VARCHAR(34) null
        organization_sid        VARCHAR(34)
    """,
    "restcomm_clients": """
        sid                     VARCHAR(34) key
        date_created            DATETIME
        date_updated            DATETIME
        account_sid             VARCHAR(34)
        api_version             VARCHAR(10)
        friendly_name           VARCHAR(64)
        login                   VARCHAR(64)
        password                VARCHAR(64)
        status                  INTEGER
        voice_url               MEDIUMTEXT null
        voice_method            VARCHAR(4) null
        voice_fallback_url      MEDIUMTEXT null
        voice_fallback_method   VARCHAR(4) null
        voice_application_sid   VARCHAR(34) null
        uri                     MEDIUMTEXT
        push_client_identity    VARCHAR(34) null
        password_algorithm      VARCHAR(34) null
    """,
}


@pytest.fixture
def connection(database_url, service):
    """A connection of the test's own, beside the service's: a foreign writer."""
    connection = connect_directly(database_url)
    yield connection
    connection.close()


def read_columns(connection, table):
    """Read a table's columns as lines of SCHEMA."""
    lines = []
    for _, name, declared, required, default, key in connection.execute(
        f"PRAGMA table_info({table})"
    ):
        assert default is None
        lines.append(" ".join([name, declared, *([] if required else ["null"]), *["key"][:key]]))
    return lines


@pytest.mark.parametrize("table", SCHEMA)
def test_create_table_has_restcomms_columns(connection, table):
    columns = [" ".join(line.split()) for line in SCHEMA[table].strip().splitlines()]
    assert read_columns(connection, table) == columns


def test_create_tables_makes_restcomms_tables(connection):
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert {name for (name,) in tables} >= SCHEMA.keys()


def test_create_tables_keeps_domain_names_unique(connection):
    columns = "sid, domain_name, date_created, date_updated, status"
    with pytest.raises(sqlite3.IntegrityError, match="domain_name"):
        connection.execute(
            f"INSERT INTO restcomm_organizations ({columns}) SELECT 'OR' || 1, domain_name, "
            "date_created, date_updated, status FROM restcomm_organizations"
        )


def queries_of(caplog, send):
    """Give the (SQL, parameters) that the service runs while ``send()`` runs."""
    caplog.clear()
    with caplog.at_level("DEBUG", "peewee"):
        send()
    return [record.msg for record in caplog.records if record.name == "peewee"]


def plan_of(connection, query):
    """Give SQLite's plan of a (SQL, parameters), a line for each step."""
    sql, parameters = query
    return [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]


def test_list_reads_the_index_in_order(service, connection, caplog):
    queries = queries_of(caplog, lambda: service.request("GET", LIST, CHILD))
    (query,) = [query for query in queries if '"restcomm_applications"' in query[0]]
    # One step: a second one would sort.
    (step,) = plan_of(connection, query)
    assert step.startswith("SEARCH ")
    assert "restcomm_applications_account_sid_date_created_sid (account_sid=?)" in step


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("GET", LIST, None),
        ("GET", f"{LIST}?includeNumbers=true", None),
        ("POST", LIST, {"FriendlyName": "New"}),
        ("GET", INSTANCE, None),
        ("PUT", INSTANCE, {"FriendlyName": "New"}),
    ],
    ids=["list", "list-with-numbers", "create", "read", "update"],
)
def test_request_scans_no_table(service, connection, caplog, method, path, form):
    queries = queries_of(caplog, lambda: service.request(method, path, CHILD, data=form))
    plans = [plan_of(connection, query) for query in queries if "restcomm_" in query[0]]
    # The account and what is asked for, at least.
    assert len(plans) >= 2
    assert [step for plan in plans for step in plan if "SCAN" in step] == []


def test_init_db_adds_the_index_to_tables_from_elsewhere(database_url, make_gunicorn):
    gunicorn = make_gunicorn()
    connection = connect_directly(database_url)
    index = "restcomm_applications_account_sid_date_created_sid"
    connection.execute(f"DROP INDEX {index}")
    gunicorn.run("init-db")
    # EXPLAIN runs nothing, so that it would not notice that the schema has changed.
    connection.close()
    connection = connect_directly(database_url)
    query = "SELECT * FROM restcomm_applications WHERE account_sid = 'x' ORDER BY date_created, sid"
    assert index in " ".join(plan_of(connection, (query, ())))
    connection.close()


def test_init_db_twice_keeps_rows(service, database_url, make_gunicorn):
    gunicorn = make_gunicorn()
    before = service.dump()
    assert before["restcomm_applications"]
    assert gunicorn.run("init-db") == ""
    assert gunicorn.run("init-db", "--first-account") == ""
    assert service.dump() == before


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2)])
def test_request_runs_on_a_durable_connection(service, pragma, value):
    service.close()
    assert service.request("GET", LIST, CHILD).status_code == 200
    # The connection that this request has opened and left open.
    assert not database.is_closed()
    assert database.connection().execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_serve_keeps_one_connection_a_thread(service, database_url, make_gunicorn):
    workers, threads = 2, 4
    path = database_url.removeprefix("sqlite:///")
    service.close()
    gunicorn = make_gunicorn(workers=workers, threads=threads).start()

    def send_some(number):
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            for _ in range(25):
                assert client.request("GET", LIST)[0] == 200
                assert client.request("PUT", INSTANCE, {"FriendlyName": str(number)})[0] == 200

    run_together(workers * threads, send_some)
    pids = worker_pids(gunicorn)
    assert len(pids) == workers
    counts = [
        [open_files(pid).count(path + end) for end in ("", "-wal", "-shm")] for pid in pids
    ]
    # No request runs now, so these are connections that were kept.
    assert sum(files for files, _, _ in counts) >= 1
    for files, logs, shared_memories in counts:
        # A connection holds one of each, but SQLite maps the shared memory once a process.
        assert files <= threads
        assert logs <= files
        assert shared_memories <= 1
    # A connection must not pass a fork: the master has none.
    assert [name for name in open_files(gunicorn.process.pid) if name.startswith(path)] == []


def test_read_does_not_wait_for_a_writer(service, connection):
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE restcomm_applications SET friendly_name = 'not yet'")
    # The lock is held until this thread lets it go: a read that waited could not be answered.
    start = time.monotonic()
    reads = 0
    while time.monotonic() - start < 1:
        assert service.request("GET", f"{INSTANCE}.json", CHILD).get_json()["friendly_name"] == (
            FULL["friendly_name"]
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
        connection.execute("BEGIN IMMEDIATE")
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


def check_unavailable(reply, json):
    """Assert the one reply that tells that the database does not answer, with nothing internal."""
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    if json:
        assert reply.mimetype == "application/json"
        assert reply.get_json()["code"] == 20503
    else:
        assert reply.mimetype == "application/xml"
        assert "<Code>20503</Code>" in reply.text
    secrets = ("restcomm_", "sqlite", "table", "column", "malformed", "file", ".db", "Traceback")
    assert [secret for secret in secrets if secret in reply.text] == []


def send_each(service, suffix):
    """Send one request of each kind; give the replies."""
    form = {"FriendlyName": "New"}
    return [
        service.request("GET", LIST + suffix, CHILD),
        service.request("POST", LIST + suffix, CHILD, data=form),
        service.request("GET", INSTANCE + suffix, CHILD),
        service.request("PUT", INSTANCE + suffix, CHILD, data=form),
        service.request("DELETE", INSTANCE + suffix, CHILD),
    ]


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


def _replace_by_text(path):
    path.write_bytes(b"This is no database. " * 1000)


def _replace_by_folder(path):
    path.unlink()
    path.mkdir()


def _keep_first_page_only(path):
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def _remove_its_folder(path):
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("suffix", ["", ".json"])
@pytest.mark.parametrize(
    "spoil",
    [_replace_by_text, _replace_by_folder, _keep_first_page_only, _remove_its_folder],
    ids=["text", "folder", "torn", "gone"],
)
def test_unusable_database_is_unavailable(make_service, tmp_path, spoil, suffix):
    path = tmp_path / "folder" / "restcomm-apps.db"
    path.parent.mkdir()
    service = make_service(DATABASE_URL=f"sqlite:///{path}")
    service.insert(TABLES)
    # The last connection takes the -wal file with it when it closes.
    service.close()
    saved = path.read_bytes()
    spoil(path)
    for reply in send_each(service, suffix):
        check_unavailable(reply, suffix)

    # Put right, it serves again without a restart.
    service.close()
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    path.write_bytes(saved)
    reply = service.request("GET", LIST + suffix, CHILD)
    assert (reply.status_code, NAMESAKE["sid"] in reply.text) == (200, True)


def test_unusable_database_answers_logout_still(make_service, tmp_path):
    path = tmp_path / "folder" / "restcomm-apps.db"
    path.parent.mkdir()
    service = make_service(DATABASE_URL=f"sqlite:///{path}")
    service.close()
    shutil.rmtree(path.parent)
    assert service.request("GET", "/Logout").data == b"OK"


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
        return datetime.now(ZoneInfo(zone)).replace(tzinfo=None)

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
