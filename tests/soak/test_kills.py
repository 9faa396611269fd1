"""Processes that are killed amid concurrent creates: what was answered is there, nothing is half
there. Those that end in good order are in ``test_signals``.
"""

import os
import signal
import subprocess
from functools import partial

import pytest

from ..support.clients import KeptAliveClient
from ..support.creates import (
    LIST,
    THREADS,
    WORKERS,
    Creates,
    check_integrity,
    expected_application,
    form_of,
)
from ..support.databases import connect_directly
from ..support.processes import accepts, wait_for_workers, worker_pids
from ..support.rows import CHILD
from ..support.scale import CLIENTS, CREATES, KILLS
from ..support.together import wait_until

pytestmark = pytest.mark.soak


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
