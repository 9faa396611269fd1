"""Many clients that write at once, beside a foreign writer: no error and no lost update."""

import multiprocessing
import random
import sqlite3
import time

import pytest

from ..support.clients import KeptAliveClient
from ..support.databases import connect_directly
from ..support.rows import CHILD, STRANGER, TABLES, client_row
from ..support.scale import CLIENTS, SECONDS
from ..support.service import Gunicorn
from ..support.together import run_together, wait_until

pytestmark = pytest.mark.soak

ACCOUNTS = (CHILD, STRANGER)
# More and an owner removes, so that a list stays a list of a few hundred.
MOST_APPLICATIONS = 20
KINDS = ("voice", "sms", "ussd")
FOREIGN_SID = client_row(1, STRANGER)["sid"]


@pytest.fixture
def gunicorn(make_service, database_url, tmp_path):
    """A real gunicorn that runs, on a database without applications."""
    service = make_service()
    tables = {name: TABLES[name] for name in ("restcomm_organizations", "restcomm_accounts")}
    service.insert(tables | {"restcomm_clients": [client_row(1, STRANGER, status=0)]})
    service.close()
    gunicorn = Gunicorn(database_url, log=tmp_path / "gunicorn.log", workers=2, threads=4)
    yield gunicorn.start()
    gunicorn.kill()


@pytest.fixture
def foreign_writer(database_url):
    """A process that takes write transactions of a few ms on the same database all the while.

    Gives a function that ends it and tells how many it has committed.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    path = database_url.removeprefix("sqlite:///")
    process = context.Process(target=write_until, args=(path, stop), daemon=True)

    def end():
        stop.set()
        process.join(60)
        assert process.exitcode == 0, "the foreign writer failed; see its traceback"
        return foreign_count(database_url)

    process.start()
    wait_until(lambda: foreign_count(database_url), "the foreign writer")
    yield end
    stop.set()
    process.join(60)


def write_until(path, stop):
    """Count up in a row in transactions that hold the write lock for 3 ms, 5 ms apart."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    while not stop.wait(0.005):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "UPDATE restcomm_clients SET status = status + 1 WHERE sid = ?", (FOREIGN_SID,)
        )
        stop.wait(0.003)
        connection.execute("COMMIT")
    connection.close()


def foreign_count(database_url):
    """Read what the foreign writer has counted."""
    connection = connect_directly(database_url)
    query = "SELECT status FROM restcomm_clients WHERE sid = ?"
    ((count,),) = connection.execute(query, (FOREIGN_SID,)).fetchall()
    connection.close()
    return count


class Owner:
    """A client that owns applications and knows at each moment what they must look like."""

    def __init__(self, number, port):
        self.account = ACCOUNTS[number % len(ACCOUNTS)]
        self.list = f"/Accounts/{self.account['sid']}/Applications"
        self.prefix = f"owner {number} "
        self.random = random.Random(number)
        self.client = KeptAliveClient(port, self.account)
        self.applications = {}
        self.seconds = []

    def act_until(self, deadline):
        """Do one thing after the other until a moment of the monotonic clock."""
        with self.client:
            while time.monotonic() < deadline:
                self._choose()()
        return self

    def _choose(self):
        if not self.applications:
            return self.create
        if len(self.applications) >= MOST_APPLICATIONS:
            return self.remove
        actions = (self.create, self.update, self.remove, self.read, self.compare_list)
        return self.random.choices(actions, (30, 40, 20, 8, 2))[0]

    def create(self):
        """Create an application with all or some of its parameters."""
        changes = self._draw(KINDS)
        application = self._request("POST", self.list, form_of(changes))
        expected = {
            "sid": application["sid"],
            "account_sid": self.account["sid"],
            "api_version": "2012-04-24",
            "voice_caller_id_lookup": False,
            "uri": f"/restcomm/2012-04-24{self.list}/{application['sid']}.json",
            "date_created": application["date_created"],
        }
        self._keep(expected | changes, application)

    def update(self):
        """Change some of an application's parameters, by POST or by PUT."""
        sid, expected = self._pick()
        # Empty clears it, but a new application has nothing to clear.
        changes = self._draw((*KINDS, ""))
        method = self.random.choice(("POST", "PUT"))
        application = self._request(method, f"{self.list}/{sid}", form_of(changes))
        self._keep(expected | changes, application)

    def remove(self):
        """Remove an application."""
        sid, _ = self._pick()
        assert self._request("DELETE", f"{self.list}/{sid}", status=204) is None
        del self.applications[sid]

    def read(self):
        """Read an application; it must be what this owner made it."""
        sid, expected = self._pick()
        assert without_date_updated(self._request("GET", f"{self.list}/{sid}")) == expected

    def compare_list(self):
        """Read the account's list; this owner's part of it must be what this owner made it."""
        listed = by_sid(self._request("GET", self.list))
        own = {s: a for s, a in listed.items() if a["friendly_name"].startswith(self.prefix)}
        assert own == self.applications

    def _draw(self, kinds):
        """Draw values to send: a name, and each of the others half of the time."""
        number = self.random.randrange(10**9)
        changes = {"friendly_name": f"{self.prefix}{number}"}
        if self.random.random() < 0.5:
            changes["kind"] = self.random.choice(kinds)
        if self.random.random() < 0.5:
            changes["rcml_url"] = f"https://example.com/{number}?a=1&b=ü"
        if self.random.random() < 0.5:
            changes["voice_caller_id_lookup"] = self.random.random() < 0.5
        return changes

    def _pick(self):
        return self.random.choice(list(self.applications.items()))

    def _keep(self, expected, application):
        if expected.get("kind") == "":
            del expected["kind"]
        assert without_date_updated(application) == expected
        self.applications[application["sid"]] = expected

    def _request(self, method, path, form=None, status=200):
        start = time.monotonic()
        answered, body = self.client.request(method, path, form)
        self.seconds.append(time.monotonic() - start)
        assert answered == status, body
        return body


def form_of(changes):
    """Spell the columns of an application as the parameters of a form."""
    names = {
        "friendly_name": "FriendlyName",
        "kind": "Kind",
        "rcml_url": "RcmlUrl",
        "voice_caller_id_lookup": "VoiceCallerIdLookup",
    }
    return {names[column]: value for column, value in changes.items()}


def without_date_updated(application):
    """Give an application's properties but the one that no client can foretell."""
    return {key: value for key, value in application.items() if key != "date_updated"}


def by_sid(listed):
    """Give the applications of a list as {sid: application}, each once."""
    applications = {each["sid"]: without_date_updated(each) for each in listed}
    assert len(applications) == len(listed)
    return applications


def test_write_at_once_loses_no_update(gunicorn, foreign_writer, database_url):
    deadline = time.monotonic() + SECONDS
    owners = run_together(CLIENTS, lambda number: Owner(number, gunicorn.port).act_until(deadline))
    transactions = foreign_writer()

    for account in ACCOUNTS:
        expected = {}
        for owner in owners:
            expected |= owner.applications if owner.account is account else {}
        with KeptAliveClient(gunicorn.port, account) as client:
            status, listed = client.request("GET", f"/Accounts/{account['sid']}/Applications")
        assert status == 200
        assert by_sid(listed) == expected

    log = gunicorn.log.read_text()
    assert "Booting worker" in log
    assert "Traceback" not in log
    assert "locked" not in log

    connection = connect_directly(database_url)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    seconds = sorted(second for owner in owners for second in owner.seconds)
    median, slowest = (round(each * 1000) for each in (seconds[len(seconds) // 2], seconds[-1]))
    print(
        f"\n{CLIENTS} clients for {SECONDS} s: {len(seconds)} requests, "
        f"{len(seconds) / SECONDS:.0f} a second, median {median} ms, slowest {slowest} ms; "
        f"{transactions} transactions of the foreign writer"
    )


def test_write_beyond_the_longest_wait_gives_503_and_changes_nothing(gunicorn, database_url):
    path = f"/Accounts/{CHILD['sid']}/Applications"
    body = b"FriendlyName=Patient"
    foreign = connect_directly(database_url)
    foreign.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    status, headers, reply = gunicorn.request("POST", f"{path}.json", CHILD, body, timeout=60)
    assert time.monotonic() - start >= 30
    assert (status, headers["Retry-After"]) == (503, "2")
    assert b"locked" not in reply
    foreign.close()

    status, _, reply = gunicorn.request("GET", f"{path}.json", CHILD)
    assert (status, reply) == (200, b"[]")
    status, _, reply = gunicorn.request("POST", f"{path}.json", CHILD, body)
    assert status == 200 and b"Patient" in reply
