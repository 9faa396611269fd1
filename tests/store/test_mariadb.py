"""What is MariaDB's own: collations, character sets, TLS; and its faults, on a server of the test's
own that is stopped, killed and started again under a real gunicorn.
"""

import json
import signal
import threading
import time
from contextlib import closing

import pytest

from restcomm_apps.store.database import database, transaction
from restcomm_apps.store.mariadb import TRIES, error_number
from restcomm_apps.store.models import Account

from ..support.clients import KeptAliveClient
from ..support.databases import connect_directly
from ..support.document import make_certificate
from ..support.mariadb import MariaServer, connections_of
from ..support.rows import CHILD, FULL, PARENT, TABLES, account_row, application_row
from ..support.service import Gunicorn, Service
from ..support.together import run_together, wait_until

pytestmark = pytest.mark.mariadb

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"


@pytest.fixture(scope="module")
def running_server(tmp_path_factory):
    """A MariaDB of this module's own."""
    server = MariaServer(tmp_path_factory.mktemp("server"))
    yield server.start()
    server.stop()


@pytest.fixture
def server(running_server):
    """The module's MariaDB, running, with a new database ``restcomm``."""
    if running_server.process.poll() is not None:
        running_server.start()
    running_server.execute("CREATE OR REPLACE DATABASE restcomm")
    return running_server


@pytest.fixture
def serve(server, tmp_path):
    """A function that serves from the server's database; its URL's options are given."""
    made = []

    def start(**options):
        url = server.url(**options)
        rows = Service(url)
        rows.insert(TABLES)
        rows.close()
        made.append(Gunicorn(url, threads=2, log=tmp_path / "gunicorn.log"))
        return made[-1].start()

    yield start
    for gunicorn in made:
        gunicorn.kill()


def check_unavailable(reply, suffix):
    """Assert the reply that tells that the database does not answer, in the right format."""
    status, headers, body = reply
    assert (status, headers["Retry-After"]) == (503, "2"), body
    code = json.loads(body)["code"] if suffix else body.decode()
    assert "20503" in str(code)
    assert b"mysql" not in body.lower() and b"127.0.0.1" not in body


def create(gunicorn, name):
    """Create an application; give the status and the answer's body."""
    status, _, body = gunicorn.request(
        "POST", f"{LIST}.json", CHILD, f"FriendlyName={name}".encode()
    )
    return status, json.loads(body)


@pytest.fixture
def folding_service(make_service, database_url):
    """The application on tables that ignore case, accents and trailing spaces."""
    service = make_service(ACCESS="lineage")
    with closing(connect_directly(database_url)) as connection:
        for table in TABLES:
            connection.execute(
                f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"
            )
    service.insert(TABLES)
    return service


@pytest.mark.parametrize("change", [str.swapcase, lambda name: name + " "], ids=["case", "space"])
@pytest.mark.parametrize("name", ["sid", "email_address"])
def test_credentials_and_urls_compare_exactly(folding_service, name, change):
    other = CHILD | {"sid": change(CHILD[name])}
    reply = folding_service.request("GET", f"{LIST}.json", other)
    # Blanks are taken off credentials, as the original does.
    assert reply.status_code == (200 if other["sid"].endswith(" ") else 401)
    path = f"/Accounts/{other['sid'].replace(' ', '%20')}/Applications.json"
    assert folding_service.request("GET", path, PARENT).status_code == 403


def test_accounts_whose_addresses_differ_in_case_are_two(folding_service):
    twin = account_row("CHILD")
    folding_service.insert({"restcomm_accounts": [twin]})
    for account in (CHILD, twin):
        by_email = account | {"sid": account["email_address"]}
        path = f"/Accounts/{account['email_address']}.json"
        assert folding_service.request("GET", path, by_email).get_json()["sid"] == account["sid"]


def test_application_is_not_found_by_a_sid_in_capitals(folding_service):
    lower = application_row(1, CHILD, sid="AP" + "abcdef01" * 4)
    folding_service.insert({"restcomm_applications": [lower]})
    for method in ("GET", "PUT", "DELETE"):
        path = f"{LIST}/{lower['sid'].upper()}.json"
        form = {"Kind": "sms"} if method == "PUT" else None
        assert folding_service.request(method, path, CHILD, data=form).status_code == 404
    assert folding_service.request("GET", f"{LIST}/{lower['sid']}.json", CHILD).status_code == 200


def test_character_beyond_the_column_is_refused(folding_service):
    before = folding_service.dump()
    for method, path in (("POST", LIST), ("PUT", INSTANCE)):
        reply = folding_service.request(
            method, f"{path}.json", CHILD, data={"FriendlyName": "\U0001f600", "Kind": "sms"}
        )
        assert (reply.status_code, reply.get_json()["code"]) == (400, 21402)
        assert reply.get_json()["message"] == (
            "FriendlyName must hold only characters that the database can store"
        )
    assert folding_service.dump() == before


def test_created_tables_hold_every_character(service):
    name = "\U0001f600 é ✓"
    sid = service.request("POST", f"{LIST}.json", CHILD, data={"FriendlyName": name}).get_json()[
        "sid"
    ]
    reply = service.request("GET", f"{LIST}/{sid}.json", CHILD)
    assert reply.get_json()["friendly_name"] == name


def test_tls_is_used_and_verified(running_server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    server = MariaServer(tmp_path, f"--ssl-cert={certificate}", f"--ssl-key={key}")
    try:
        server.start().execute("CREATE DATABASE restcomm")
        service = Service(server.url(ssl_ca=certificate))
        service.insert(TABLES)
        cipher = database.execute_sql("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1]
        assert cipher
        assert service.request("GET", LIST, CHILD).status_code == 200
        service.close()
        # Not signed by an authority that this machine trusts.
        service = Service.__new__(Service)
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
            service.__init__(server.url(ssl="true"))
    finally:
        server.stop()


def test_server_without_tls_is_refused_where_tls_is_asked_for(server):
    server_without = server.url(ssl="true", ssl_verify="false")
    with pytest.raises(Exception, match=r"SSL|TLS"):
        Service(server_without)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_of_the_server_is_not_noticed(server, serve, number):
    gunicorn = serve()
    # More than it has threads, so that each holds a connection.
    run_together(4, lambda _: gunicorn.request("GET", LIST, CHILD))
    created = create(gunicorn, "before")[1]
    server.stop(number)
    server.start()
    for _ in range(4):
        assert gunicorn.request("GET", INSTANCE, CHILD)[0] == 200
    for count in range(4):
        assert create(gunicorn, f"after {count}")[0] == 200
    reply = gunicorn.request("GET", f"{LIST}/{created['sid']}.json", CHILD)
    assert json.loads(reply[2]) == created


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_server_that_is_gone_is_unavailable_at_once(server, serve, suffix):
    gunicorn = serve()
    assert create(gunicorn, "before")[0] == 200
    server.stop()
    start = time.monotonic()
    for method, path in (("GET", LIST), ("POST", LIST), ("PUT", INSTANCE), ("DELETE", INSTANCE)):
        body = b"FriendlyName=x" if method in ("POST", "PUT") else None
        check_unavailable(gunicorn.request(method, path + suffix, CHILD, body), suffix)
    assert time.monotonic() - start < 4
    server.start()
    assert create(gunicorn, "after")[0] == 200


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_server_that_hangs_is_unavailable_within_the_timeout(server, serve, suffix):
    gunicorn = serve(connect_timeout=1, read_timeout=2)
    assert create(gunicorn, "before")[0] == 200
    server.send_signal(signal.SIGSTOP)
    try:
        # First on the connections that are there, then on new ones.
        for _ in range(2):
            start = time.monotonic()
            replies = run_together(2, lambda _: gunicorn.request("GET", LIST + suffix, CHILD))
            assert time.monotonic() - start < 4
            for reply in replies:
                check_unavailable(reply, suffix)
    finally:
        server.send_signal(signal.SIGCONT)
    assert create(gunicorn, "after")[0] == 200


def test_connection_cut_while_idle_is_replaced(server, serve):
    gunicorn = serve()
    run_together(4, lambda _: gunicorn.request("GET", LIST, CHILD))
    for _ in range(5):
        for number in connections_of(server):
            server.execute(f"KILL {number}")
        assert create(gunicorn, "after")[0] == 200
        for number in connections_of(server):
            server.execute(f"KILL {number}")
        assert gunicorn.request("GET", LIST, CHILD)[0] == 200


def test_connection_cut_amid_a_write_is_unavailable_and_changes_nothing(server, serve):
    gunicorn = serve()
    holder = connect_directly(server.url())
    holder.execute("BEGIN")
    holder.execute("SELECT * FROM restcomm_applications FOR UPDATE")
    replies = []
    update = threading.Thread(
        target=lambda: replies.append(
            gunicorn.request("PUT", f"{INSTANCE}.json", CHILD, b"FriendlyName=lost")
        )
    )
    update.start()
    waiting = (
        "SELECT id FROM information_schema.processlist WHERE info LIKE '%FOR UPDATE' AND id <> ?"
    )
    own = holder.thread_id()
    wait_until(lambda: server.execute(waiting, [own]), "the update to wait for the row")
    for (number,) in server.execute(waiting, [own]):
        server.execute(f"KILL {number}")
    update.join(30)
    check_unavailable(replies[0], ".json")
    holder.rollback()
    holder.close()
    reply = gunicorn.request("GET", f"{INSTANCE}.json", CHILD)
    assert json.loads(reply[2])["friendly_name"] == FULL["friendly_name"]


def test_row_that_stays_locked_is_unavailable(server, serve):
    gunicorn = serve(read_timeout=4)
    holder = connect_directly(server.url())
    holder.execute("BEGIN")
    holder.execute("SELECT * FROM restcomm_applications FOR UPDATE")
    start = time.monotonic()
    reply = gunicorn.request("PUT", f"{INSTANCE}.json", CHILD, b"FriendlyName=x")
    assert 2 <= time.monotonic() - start < 4
    check_unavailable(reply, ".json")
    holder.close()
    assert gunicorn.request("PUT", f"{INSTANCE}.json", CHILD, b"FriendlyName=x")[0] == 200


def test_deadlock_is_tried_again(server, serve):
    """Removals free numbers and clients; a foreign writer takes the same rows the other way."""
    gunicorn = serve()
    deadlocks = []
    end = threading.Event()

    def write_the_other_way():
        foreign = connect_directly(server.url())
        # With a moment in between, or nobody else would ever come through.
        while not end.wait(0.01):
            try:
                foreign.execute("BEGIN")
                foreign.execute("UPDATE restcomm_clients SET status = status + 1")
                foreign.execute("UPDATE restcomm_incoming_phone_numbers SET cost = '1'")
                foreign.execute("SELECT * FROM restcomm_applications FOR UPDATE")
                foreign.commit()
            except Exception as error:
                assert error.args[0] == 1213, error
                deadlocks.append("theirs")
        foreign.close()

    writer = threading.Thread(target=write_the_other_way)
    writer.start()
    seen = int(server.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])
    for _ in range(40):
        sid = create(gunicorn, "short-lived")[1]["sid"]
        server.execute(
            "UPDATE restcomm_incoming_phone_numbers SET voice_application_sid = ?",
            [sid],
            "restcomm",
        )
        server.execute("UPDATE restcomm_clients SET voice_application_sid = ?", [sid], "restcomm")
        assert gunicorn.request("DELETE", f"{LIST}/{sid}.json", CHILD)[0] == 204
    end.set()
    writer.join(30)
    seen = int(server.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1]) - seen
    # Or this would show nothing: some of them had the service for a victim.
    assert seen > len(deadlocks), (seen, len(deadlocks))


def test_transaction_is_tried_a_bounded_number_of_times(service):
    tries = []

    @transaction
    def lose():
        tries.append(Account.select().count())
        database.execute_sql("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213")

    with pytest.raises(Exception) as told:
        lose()
    assert error_number(told.value) == 1213
    assert len(tries) == TRIES


def test_creates_amid_restarts_are_not_lost(server, serve):
    gunicorn = serve(read_timeout=2)
    end = threading.Event()

    def create_until(number):
        answered, refused = [], 0
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            while not end.is_set():
                form = {"FriendlyName": f"{number}-{len(answered)}-{refused}"}
                status, body = client.request("POST", LIST, form)
                assert status in (200, 503), body
                if status == 200:
                    answered.append(body)
                else:
                    refused += 1
        return answered, refused

    def restart(_):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            time.sleep(0.5)  # So that some are answered between two restarts.
            server.stop(number)
            server.start()
        end.set()

    results = run_together(5, lambda number: restart(0) if number == 4 else create_until(number))
    answered = [each for created, _ in results[:4] for each in created]
    assert answered and sum(refused for _, refused in results[:4])
    listed = json.loads(gunicorn.request("GET", f"{LIST}.json", CHILD)[2])
    by_sid = {each["sid"]: each for each in listed}
    assert [each for each in answered if by_sid.get(each["sid"]) != each] == []
