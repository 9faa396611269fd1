"""What is SQLite's own: plans, durability, connections to a file, a file that is spoilt."""

import shutil

import pytest

from restcomm_apps.store.database import database

from ..support.clients import KeptAliveClient
from ..support.databases import connect_directly
from ..support.processes import open_files, worker_pids
from ..support.queries import queries_of
from ..support.rows import CHILD, FULL, NAMESAKE, TABLES
from ..support.together import run_together
from ..support.unavailable import check_unavailable, send_each

pytestmark = pytest.mark.sqlite

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"


@pytest.fixture
def connection(database_url, service):
    """A connection of the test's own, beside the service's: a foreign writer."""
    connection = connect_directly(database_url)
    yield connection
    connection.close()


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
    counts = [[open_files(pid).count(path + end) for end in ("", "-wal", "-shm")] for pid in pids]
    # No request runs now, so these are connections that were kept.
    assert sum(files for files, _, _ in counts) >= 1
    for files, logs, shared_memories in counts:
        # A connection holds one of each, but SQLite maps the shared memory once a process. Beside
        # the threads the loop's own answers.
        assert files <= threads + 1
        assert logs <= files
        assert shared_memories <= 1
    # A connection must not pass a fork: the master has none.
    assert [name for name in open_files(gunicorn.process.pid) if name.startswith(path)] == []


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
