"""How long clients wait that behave, beside those that do not."""

import threading
import time
from typing import NamedTuple

from .clients import KeptAliveClient
from .rows import CHILD, FULL
from .together import run_together

# Of each probe, a request each INTERVAL on each of its connections.
CONNECTIONS = 4
INTERVAL = 0.04  # seconds
# A connection is kept for that many requests; the next one has to be accepted anew.
REQUESTS = 10
# That is waited for what is late; afterwards it counts as it has waited so far.
PATIENCE = 20  # seconds


class Probe(NamedTuple):
    """A request below the API's base path, whose account asks it, and how it is to be answered."""

    name: str
    path: str
    account: dict | None
    status: int


HEALTH = Probe("Health", "/Health", None, 200)
READ = Probe("reading one", f"/Accounts/{CHILD['sid']}/Applications/{FULL['sid']}", CHILD, 200)


def measure(port, probes, seconds, context=None):
    """Ask over and over for some seconds; give {name of a probe: how long each reply took, sorted}.

    A reply is late from the moment when its request was due: one that comes after 4 s holds up
    those due meanwhile, and each of them counts with what it had to wait.
    """
    took = {probe.name: [] for probe in probes}
    lock = threading.Lock()

    def ask(number):
        probe = probes[number // CONNECTIONS]
        first = time.monotonic() + INTERVAL * (number % CONNECTIONS) / CONNECTIONS
        times = ask_when_due(port, probe, first, round(seconds / INTERVAL), context)
        with lock:
            took[probe.name] += times

    run_together(CONNECTIONS * len(probes), ask)
    return {name: sorted(times) for name, times in took.items()}


def ask_when_due(port, probe, first, count, context=None):
    """Send a request each INTERVAL from a moment on; list how long after it was due each ended."""
    times = []
    dues = [first + number * INTERVAL for number in range(count)]
    with KeptAliveClient(port, probe.account, context) as client:
        for number, due in enumerate(dues):
            time.sleep(max(0, due - time.monotonic()))
            if time.monotonic() > dues[-1] + PATIENCE:
                break
            if number % REQUESTS == 0:
                client.close()
            status, reply = client.request("GET", probe.path)
            times.append(time.monotonic() - due)
            assert status == probe.status, reply
    return times + [time.monotonic() - due for due in dues[len(times) :]]


def percentile(times, share):
    """Give the time that this share of all, in percent, do not exceed; ``times`` are sorted."""
    return times[min(len(times) - 1, len(times) * share // 100)]


def describe(took):
    """Say in a line what was measured, in milliseconds."""
    return "; ".join(
        f"{name}: {len(times)} replies, median {1000 * percentile(times, 50):.0f}, "
        f"p99 {1000 * percentile(times, 99):.0f}, longest {1000 * times[-1]:.0f} ms"
        for name, times in took.items()
    )
