"""Processes that are killed amid concurrent creates: what was answered is there, nothing is half
there. Those that end in good order are in ``test_signals``.
"""

import os
import signal
import subprocess
import threading
from functools import partial

import pytest

from ..support.clients import (
    CLIENTS,
    CREATES,
    KILLS,
    KeptAliveClient,
    Unanswered,
    accepts,
    run_together,
    wait_for_workers,
    wait_until,
    worker_pids,
)
from ..support.databases import connect_directly
from ..support.rows import CHILD, TABLES
from ..support.service import Gunicorn

pytestmark = pytest.mark.soak

LIST = f"/Accounts/{CHILD['sid']}/Applications"
WORKERS, THREADS = 2, 4


@pytest.fixture
def gunicorn(make_service, database_url, tmp_path):
    """A real gunicorn, not yet started, on a database that holds accounts alone."""
    service = make_service()
    service.insert({name: TABLES[name] for name in ("restcomm_organizations", "restcomm_accounts")})
    # Nobody but the service may hold the database open: a start after a kill has to recover it.
    service.close()
    gunicorn = Gunicorn(
        database_url, workers=WORKERS, threads=THREADS, log=tmp_path / "gunicorn.log"
    )
    yield gunicorn
    if gunicorn.process is not None:
        gunicorn.kill()


class Creates:
    """A run of creates by CLIENTS clients at once, and a strike in the midst of it.

    The strike comes in the thread that counts the ``strike_at``-th answer, before anyone counts
    another: at most CLIENTS - 1 more replies can be on their way, so that some creates are
    answered and some are not. ``clients`` and ``context`` are other than CLIENTS, and TLS.
    """

    def __init__(
        self, port, label, strike_at, strike, creates=CREATES, clients=CLIENTS, context=None
    ):
        assert 1 <= strike_at <= creates - clients, "the strike would not lie inside the run"
        self.port, self.strike_at, self.strike = port, strike_at, strike
        self.names = iter([f"{label}-{number}" for number in range(creates)])
        self.clients, self.context = clients, context
        self.lock = threading.Lock()
        self.answered = []
        self.unanswered = {}

    def run(self):
        """Send creates until none is left or the service is gone; give this run."""
        run_together(self.clients, self._create)
        return self

    def end(self):
        """Have the run send no more creates."""
        with self.lock:
            self.names = iter(())

    def _create(self, number):
        with KeptAliveClient(self.port, CHILD, self.context) as client:
            while (name := self._next_name()) is not None:
                client.drop_ended()
                try:
                    status, application = client.request("POST", LIST, form_of(name))
                except Unanswered as unanswered:
                    self.unanswered[name] = unanswered
                    if unanswered.refused:
                        return
                    continue
                assert status == 200, application
                assert application == expected_application(name, application)
                self._count(application)

    def _count(self, application):
        with self.lock:
            self.answered.append(application)
            if len(self.answered) == self.strike_at:
                self.strike()

    def _next_name(self):
        with self.lock:
            return next(self.names, None)

    @property
    def sent(self):
        """The names of the creates that were sent and not answered."""
        return {name for name, unanswered in self.unanswered.items() if not unanswered.refused}


def form_of(name):
    """Make the form of a create that sets every column."""
    return {
        "FriendlyName": name,
        "Kind": "sms",
        "RcmlUrl": f"/apps/{name}",
        "VoiceCallerIdLookup": "true",
    }


def expected_application(name, application):
    """Give the application that ``form_of`` makes, with this one's sid and date."""
    return {
        "sid": application["sid"],
        "date_created": application["date_created"],
        "date_updated": application["date_created"],
        "friendly_name": name,
        "account_sid": CHILD["sid"],
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": True,
        "uri": f"/restcomm/2012-04-24{LIST}/{application['sid']}.json",
        "rcml_url": f"/apps/{name}",
        "kind": "sms",
    }


def strike_counts(last):
    """Spread the counts of answers at which a run is struck, a different one for each of KILLS."""
    return [1 + number * (last - 1) // KILLS for number in range(KILLS)]


def check_list(port, runs):
    """Assert that the list holds all that was answered, once, and else only whole creates.

    Gives the number of applications that are there without having been answered.
    """
    with KeptAliveClient(port, CHILD) as client:
        status, listed = client.request("GET", LIST)
    assert status == 200
    by_sid = {application["sid"]: application for application in listed}
    assert len(by_sid) == len({each["friendly_name"] for each in listed}) == len(listed)
    answered = [application for run in runs for application in run.answered]
    lost = [each for each in answered if by_sid.get(each["sid"]) != each]
    assert lost == []
    extra = by_sid.keys() - {application["sid"] for application in answered}
    sent = set().union(*(run.sent for run in runs))
    for application in map(by_sid.get, extra):
        assert application["friendly_name"] in sent
        assert application == expected_application(application["friendly_name"], application)
    return len(extra)


def check_integrity(database_url):
    """Assert that SQLite finds nothing wrong with the database."""
    connection = connect_directly(database_url)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def check_create(port):
    """Assert that a create works, and remove it again."""
    with KeptAliveClient(port, CHILD) as client:
        status, application = client.request("POST", LIST, form_of("afterwards"))
        assert (status, application["friendly_name"]) == (200, "afterwards")
        assert client.request("DELETE", f"{LIST}/{application['sid']}") == (204, None)


def print_figures(title, runs, extra):
    """Print what a test measured; ``check_list`` has asserted that nothing was lost."""
    answered = [len(run.answered) for run in runs]
    print(
        f"\n{title}: rounds={len(runs)} answered={sum(answered)} "
        f"(from {min(answered)} to {max(answered)} a round) lost=0 "
        f"sent in vain={sum(len(run.sent) for run in runs)}, of these created={extra}"
    )


def test_kill_all_loses_no_answered_create(gunicorn, database_url):
    def kill_all():
        os.killpg(gunicorn.process.pid, signal.SIGKILL)

    gunicorn.start()
    runs, extra = [], 0
    for number, count in enumerate(strike_counts(CREATES - CLIENTS)):
        runs.append(Creates(gunicorn.port, f"all-{number}", count, kill_all).run())
        assert count <= len(runs[-1].answered) < CREATES
        assert gunicorn.process.wait(30) == -signal.SIGKILL
        # A worker that is still dying would hold the port.
        wait_until(lambda: not accepts(gunicorn.port), "the end of all workers")

        gunicorn.start()
        extra = check_list(gunicorn.port, runs)
        check_integrity(database_url)
        check_create(gunicorn.port)
    print_figures("kill -9 of master and workers", runs, extra)


def test_kill_one_worker_loses_no_answered_create(gunicorn, database_url):
    gunicorn.start()
    runs, victims = [], []
    for number, count in enumerate(strike_counts(CREATES - CLIENTS)):
        wait_until(lambda: len(worker_pids(gunicorn)) == WORKERS, "a new worker")
        victims.append(worker_pids(gunicorn)[number % WORKERS])
        kill_one = partial(os.kill, victims[-1], signal.SIGKILL)
        runs.append(Creates(gunicorn.port, f"one-{number}", count, kill_one).run())
        # A client loses at most the request that the killed worker had; its next one is served.
        assert len(runs[-1].answered) >= CREATES - CLIENTS
        assert len(runs[-1].answered) + len(runs[-1].sent) == CREATES, "the service went away"
        assert gunicorn.process.poll() is None
    assert len(set(victims)) == KILLS
    extra = check_list(gunicorn.port, runs)
    check_integrity(database_url)
    check_create(gunicorn.port)
    print_figures("kill -9 of one worker", runs, extra)


def test_terminate_waits_for_creates_that_wait_for_the_database(gunicorn, database_url):
    gunicorn.start()
    wait_for_workers(gunicorn, WORKERS)
    foreign = connect_directly(database_url)
    foreign.execute("BEGIN IMMEDIATE")
    # As many as one worker has threads: whichever worker gets them, each is taken up at once.
    clients = [KeptAliveClient(gunicorn.port, CHILD) for _ in range(THREADS)]
    for number, client in enumerate(clients):
        client.send("POST", LIST, form_of(f"waiting-{number}"))
    wait_until(lambda: all(client.is_taken() for client in clients), "the service to read")

    gunicorn.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        gunicorn.process.wait(1)
    foreign.close()
    for number, client in enumerate(clients):
        status, application = client.receive()
        assert status == 200
        assert application == expected_application(f"waiting-{number}", application)
        client.close()
    assert gunicorn.process.wait(30) == 0
