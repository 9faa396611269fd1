"""TERM and HUP amid the creates of 8 clients: nothing that was answered is lost, no connection is
broken off, nothing is done without being told.

A connection may end between two requests, at TERM at once, and a client may have sent a request
just then. Its end of file, without an octet of a reply, says that the request was not read; the
client sends it again. That is counted, and must be true.
"""

import shutil
import ssl
import threading
from functools import partial
from signal import SIGHUP
from typing import NamedTuple

import pytest

from ..support.clients import KeptAliveClient
from ..support.creates import LIST, Creates, check_integrity
from ..support.document import make_certificate
from ..support.processes import wait_for_workers, worker_pids
from ..support.rows import CHILD, TABLES
from ..support.scale import SIGNALS
from ..support.service import Gunicorn, Service
from ..support.together import wait_until

pytestmark = pytest.mark.soak

CLIENTS = 8
WORKERS, THREADS = 2, 4
# More than are sent before the signal has done all that it does.
MOST_CREATES = 100_000
STRUCK_AT = 150
NO_CERTIFICATE = b"nothing that is a key"


class Door(NamedTuple):
    """A service, its database, its certificate's files and the context of those who trust them."""

    gunicorn: Gunicorn
    database_url: str
    files: tuple
    context: ssl.SSLContext | None


@pytest.fixture(params=["http", "https"])
def door(request, database_url, tmp_path):
    """A real gunicorn, not yet started, on a database that holds accounts alone."""
    service = Service(database_url)
    service.insert({name: TABLES[name] for name in ("restcomm_organizations", "restcomm_accounts")})
    service.close()
    files = make_certificate(tmp_path) if request.param == "https" else ()
    arguments = sum(zip(("--certfile", "--keyfile"), map(str, files)), ())
    gunicorn = Gunicorn(database_url, WORKERS, THREADS, arguments, log=tmp_path / "gunicorn.log")
    context = ssl.create_default_context(cafile=files[0]) if files else None
    yield Door(gunicorn, database_url, files, context)
    if gunicorn.process is not None:
        gunicorn.kill()


def strikes():
    """Spread the counts of answers at which a run is struck, one for each of SIGNALS."""
    return [1 + number * STRUCK_AT // SIGNALS for number in range(SIGNALS)]


def begin(door, label, count, strike):
    """Make a run of creates that lasts until it is ended or the service is gone."""
    return Creates(door.gunicorn.port, label, count, strike, MOST_CREATES, CLIENTS, door.context)


def check_ends(run, may_refuse):
    """Assert that no connection broke off, and none that was new ended without a reply.

    Gives the names whose requests met the end of a connection that was kept.
    """
    failures = run.unanswered
    assert {n: str(e) for n, e in failures.items() if e.reset or e.begun} == {}
    fresh = {n: str(e) for n, e in failures.items() if e.fresh and not (may_refuse and e.refused)}
    assert fresh == {}
    # Each client once at most, as its next connection is a new one.
    ended = [name for name, error in failures.items() if not error.fresh]
    assert len(ended) <= CLIENTS
    return ended


def check_stored(door, runs):
    """Assert that the list is what was answered, as it was answered, and nothing else."""
    with KeptAliveClient(door.gunicorn.port, CHILD, door.context) as client:
        status, listed = client.request("GET", LIST)
    assert status == 200
    answered = {each["sid"]: each for run in runs for each in run.answered}
    assert {each["sid"]: each for each in listed} == answered
    check_integrity(door.database_url)
    return len(answered)


def check_calm(door, *expected):
    """Assert that nothing was logged as an error but lines that hold an expected text."""
    for line in door.gunicorn.log.read_text().splitlines():
        is_error = "Traceback" in line or "[ERROR]" in line or "[CRITICAL]" in line
        assert not is_error or any(text in line for text in expected), line


def print_figures(title, door, runs, ended, count):
    """Print what a test measured; nothing of it was lost."""
    kind = "https" if door.context else "http"
    print(
        f"\n{title}, {kind}: rounds={len(runs)} answered={count} lost=0 reset=0 "
        f"ended between requests={sum(map(len, ended))}"
    )


def test_terminate_breaks_off_no_connection(door):
    runs, ended = [], []
    for number, count in enumerate(strikes()):
        door.gunicorn.start()
        wait_for_workers(door.gunicorn, WORKERS)
        runs.append(begin(door, f"term-{number}", count, door.gunicorn.process.terminate).run())
        assert door.gunicorn.process.wait(30) == 0
        ended.append(check_ends(runs[-1], may_refuse=True))
        # All that is not answered is told apart from what was lost by the list.
        assert count <= len(runs[-1].answered) < MOST_CREATES
    door.gunicorn.start()
    print_figures("SIGTERM", door, runs, ended, check_stored(door, runs))
    check_calm(door)


def renew(door, folder):
    """Give the service's files a new certificate, that its clients trust as well as the former."""
    folder.mkdir()
    made = make_certificate(folder)
    for new, old in zip(made, door.files):
        shutil.copy(new, old)
    door.context.load_verify_locations(made[0])
    return made[0].read_text()


def break_key(door):
    """Make the key one that cannot be read."""
    door.files[1].write_bytes(NO_CERTIFICATE)


def hang_up_amid_creates(door, label, count):
    """Send HUP amid creates that go on until all former workers have gone; give the run."""
    gunicorn = door.gunicorn
    wait_for_workers(gunicorn, WORKERS)
    former = set(worker_pids(gunicorn))
    run = begin(door, label, count, partial(gunicorn.process.send_signal, SIGHUP))

    def end_once_replaced():
        try:
            wait_until(lambda: former.isdisjoint(worker_pids(gunicorn)), "the new workers")
            wait_for_workers(gunicorn, WORKERS)
        finally:
            run.end()

    watcher = threading.Thread(target=end_once_replaced)
    watcher.start()
    run.run()
    watcher.join()
    assert former.isdisjoint(worker_pids(gunicorn)), "the former workers stayed"
    return run


def hang_up_in_rounds(door, title, prepare, check):
    """Let HUP come amid creates, round by round; nobody notices."""
    door.gunicorn.start()
    runs, ended = [], []
    for number, count in enumerate(strikes()):
        prepared = prepare(number)
        runs.append(hang_up_amid_creates(door, f"hup-{number}", count))
        ended.append(check_ends(runs[-1], may_refuse=False))
        check(prepared)
    print_figures(title, door, runs, ended, check_stored(door, runs))


def served_certificate(door):
    """Give the certificate that a client is shown, in PEM."""
    return ssl.get_server_certificate(("127.0.0.1", door.gunicorn.port), timeout=30)


def test_hangup_breaks_off_no_connection(door, tmp_path):
    """With TLS, each time with a new certificate."""

    def prepare(number):
        return renew(door, tmp_path / f"renewed{number}") if door.files else None

    def check(renewed):
        assert not door.files or served_certificate(door) == renewed

    hang_up_in_rounds(door, "SIGHUP", prepare, check)
    check_calm(door)


@pytest.mark.parametrize("door", ["https"], indirect=True)
def test_hangup_with_a_broken_certificate_breaks_off_no_connection(door):
    former = door.files[0].read_text()

    def check(_):
        assert served_certificate(door) == former

    hang_up_in_rounds(door, "SIGHUP with a broken key", lambda number: break_key(door), check)
    assert door.gunicorn.log.read_text().count("The certificate cannot be renewed") == SIGNALS
    check_calm(door, "The certificate cannot be renewed")
