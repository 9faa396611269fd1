"""Nodes and services of deploy/galera that are killed under load, behind its HAProxy."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from ..support.clients import KeptAliveClient, Unanswered
from ..support.documentation import ROOT
from ..support.processes import accepts
from ..support.scale import CLUSTER_SECONDS
from ..support.together import run_together, wait_until

pytestmark = pytest.mark.soak

NAMES = [f"{kind}{number}" for kind in ("node", "service") for number in (1, 2, 3)]
CLIENTS = 8
CONTENDERS, CONTENDED_UPDATES = 6, 50
# The most that a client may go without success, and how long it waits after a failure: seconds.
TOLERATED = 5
PAUSE = 0.1
# What a proxy or a service answers when it cannot tell or cannot do.
UNAVAILABLE = (502, 503, 504)


class Cluster:
    """What ``deploy/galera/cluster`` starts, in a folder and on ports of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = find_ports(60)
        self.account = None
        self.environ = os.environ | {
            "FOLDER": str(folder),
            "PORTS": str(self.port),
            "RESTCOMM_APPS": str(Path(sys.executable).with_name("restcomm-apps")),
        }

    @property
    def list(self):
        """The path of the account's applications, below the API's base path."""
        return f"/Accounts/{self.account['sid']}/Applications"

    def run(self, verb):
        """Run the script; give what it prints."""
        script = ROOT / "deploy" / "galera" / "cluster"
        done = subprocess.run(
            [script, verb], env=self.environ, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr + self.logs()
        return done.stdout

    def kill(self, name):
        """End the process group of a node or a service at once."""
        os.killpg(int((self.folder / f"{name}.pid").read_text()), signal.SIGKILL)

    def count_conflicts(self):
        """Count the transactions that gave way to another node's, on all nodes since they began."""
        counters = "('wsrep_local_cert_failures', 'wsrep_local_bf_aborts')"
        query = f"SHOW STATUS WHERE Variable_name IN {counters}"
        lines = []
        for number in (1, 2, 3):
            command = ["mariadb", "--no-defaults", f"--socket={self.folder}/node{number}.sock"]
            done = subprocess.run(
                [*command, "--batch", "--skip-column-names", "-e", query],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
            lines += done.stdout.splitlines()
        return sum(int(line.split()[1]) for line in lines)

    def service_port(self, number):
        """Give the port of a service, past the proxy."""
        return self.port + 10 + number

    def logs(self):
        """Give the end of each log, for a failure's message."""
        paths = sorted(self.folder.glob("*.log"))
        return "".join(f"\n{path.name}:\n{path.read_text()[-2000:]}" for path in paths)


def find_ports(count):
    """Find the first, a multiple of ten, of that many ports that nothing listens on."""
    # Below those that Linux gives to clients.
    for first in range(20000, 32000, count):
        listeners = []
        try:
            for port in range(first, first + count):
                listeners.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for listener in listeners:
                listener.close()
    raise AssertionError("no free ports")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster that runs, and an account on it; all of it is ended, whatever has been killed."""
    cluster = Cluster(tmp_path_factory.mktemp("galera"))
    try:
        line = re.search(r"^curl -u (\S+):(\S+) ", cluster.run("start"), re.M)
        cluster.account = {"sid": line[1], "auth_token": line[2]}
        yield cluster
    finally:
        cluster.run("stop")
    assert not any(accepts(port) for port in range(cluster.port, cluster.port + 60))


class Creator:
    """A client that creates without pause and reads what was acknowledged.

    After a failure nobody knows whether the application has come to be. Every second client sends
    the create again, with its Idempotency-Key; the others go on to another name. ``acknowledged``
    is {sid: name}; ``failed`` {name: status, or None where the reply broke off}, without what was
    acknowledged later; ``repeated`` counts what was sent again.
    """

    def __init__(self, number, cluster):
        self.number = number
        self.list = cluster.list
        self.client = KeptAliveClient(cluster.port, cluster.account)
        self.has_key = number % 2 == 1
        self.acknowledged, self.failed, self.repeated = {}, {}, 0
        self.successes = []

    def create_until(self, ended, deadline):
        """Create until the event ``ended`` is set, or until a moment of the monotonic clock."""
        self.successes.append(time.monotonic())
        with self.client:
            while not ended.is_set() and time.monotonic() < deadline:
                given_up = 0 if self.has_key else len(self.failed)
                self._create(f"{self.number}-{len(self.acknowledged) + given_up}")
        self.successes.append(time.monotonic())
        return self

    def _create(self, name):
        if self.has_key:
            self.client.headers["Idempotency-Key"] = name
            self.repeated += name in self.failed
        try:
            status, reply = self.client.request("POST", self.list, {"FriendlyName": name})
        except Unanswered as unanswered:
            # HAProxy answers for a service that has not begun to.
            assert unanswered.begun
            status, reply = None, None
        if status != 200:
            assert status in (None, *UNAVAILABLE), reply
            self.failed[name] = status
            time.sleep(PAUSE)
            return
        self.acknowledged[reply["sid"]] = name
        self.failed.pop(name, None)
        self.successes.append(time.monotonic())
        # Through another node, because HAProxy takes them in turn.
        status, read = self.client.request("GET", f"{self.list}/{reply['sid']}")
        assert (status, read) == (200, reply) or status in UNAVAILABLE

    def longest_gap(self, since, until):
        """Give the longest time in seconds without success that ended in a period."""
        pairs = zip(self.successes, self.successes[1:])
        return max(later - earlier for earlier, later in pairs if since < later <= until)


def strike(cluster, moments):
    """Let a fifth of the time pass before and after each blow and each return."""

    def pass_time(happened):
        moments.append((happened, time.monotonic()))
        time.sleep(CLUSTER_SECONDS / 5)

    pass_time("all run")
    for name in ("node2", "service1"):
        cluster.kill(name)
        pass_time(f"{name} killed")
        cluster.run("start")
        if name == "node2":
            pass_time(f"{name} back")
    pass_time("service1 back")
    moments.append(("end", time.monotonic()))


def check_lists(cluster, creators):
    """Assert that each node has what was acknowledged, and nothing twice; count the rest."""
    acknowledged, failed = {}, {}
    for creator in creators:
        acknowledged |= creator.acknowledged
        failed |= creator.failed
    for number in (1, 2, 3):
        with KeptAliveClient(cluster.service_port(number), cluster.account) as client:
            status, listed = client.request("GET", cluster.list)
        assert status == 200
        names = {each["sid"]: each["friendly_name"] for each in listed}
        assert len(listed) == len(names) == len(set(names.values())), "created twice"
        assert {sid: names.get(sid) for sid in acknowledged} == acknowledged, "lost"
        unacknowledged = [names[sid] for sid in names.keys() - acknowledged.keys()]
        assert set(unacknowledged) <= failed.keys()
    return len(acknowledged), failed, unacknowledged


def test_killed_node_and_killed_service_lose_no_create(cluster):
    ended, moments = threading.Event(), []
    # Bounded, should a return take long.
    deadline = time.monotonic() + 2 * CLUSTER_SECONDS + 120

    def work(number):
        if number < CLIENTS:
            return Creator(number, cluster).create_until(ended, deadline)
        try:
            return strike(cluster, moments)
        finally:
            ended.set()

    creators = run_together(CLIENTS + 1, work)[:CLIENTS]
    assert time.monotonic() < deadline
    status = cluster.run("status")
    assert len(re.findall(": Synced$|: 200$", status, re.M)) == len(NAMES), status

    acknowledged, failed, unacknowledged = check_lists(cluster, creators)
    print(
        f"\n{CLIENTS} clients for {moments[-1][1] - moments[0][1]:.0f} s: {acknowledged} creates "
        f"acknowledged, lost=0, doubled=0; {dict(Counter(failed.values()))} not acknowledged, of "
        f"these created={len(unacknowledged)} {dict(Counter(failed[n] for n in unacknowledged))}; "
        f"sent again with a key: {sum(creator.repeated for creator in creators)}"
    )
    for (happened, since), (_, until) in pairwise(moments):
        gap = max(creator.longest_gap(since, until) for creator in creators)
        print(f"{happened}: the longest time between two successes of a client is {gap:.2f} s")
        assert gap < TOLERATED


def test_updates_that_meet_on_different_nodes_are_all_answered(cluster):
    with KeptAliveClient(cluster.port, cluster.account) as client:
        sid = client.request("POST", cluster.list, {"FriendlyName": "contended"})[1]["sid"]

    def update(number):
        path, statuses = f"{cluster.list}/{sid}", []
        with KeptAliveClient(cluster.service_port(1 + number % 3), cluster.account) as client:
            for count in range(CONTENDED_UPDATES):
                form = {"FriendlyName": f"{number}-{count}"}
                statuses.append(client.request("POST", path, form)[0])
        return Counter(statuses)

    before = cluster.count_conflicts()
    statuses = sum(run_together(CONTENDERS, update), Counter())
    conflicts = cluster.count_conflicts() - before
    print(f"\n{CONTENDERS} clients update one application: {dict(statuses)}, conflicts={conflicts}")
    assert conflicts > 0
    assert statuses == {200: CONTENDERS * CONTENDED_UPDATES}


def test_node_without_the_others_is_unavailable(cluster):
    for name in ("node2", "node3"):
        cluster.kill(name)
    # It is up, but refuses statements: alone it cannot know what the others acknowledged.
    with KeptAliveClient(cluster.service_port(1), cluster.account) as client:
        wait_until(lambda: client.request("GET", "/Accounts")[0] == 503, "a refusal")
        assert client.request("GET", "/Health.json")[0] == 503
        assert client.request("POST", cluster.list, {"FriendlyName": "alone"})[0] == 503
    assert "node1: Synced" not in cluster.run("status")

    cluster.run("start")
    with KeptAliveClient(cluster.port, cluster.account) as client:
        # The proxy asks each service twice before it believes that it is back.
        wait_until(lambda: client.request("GET", "/Accounts")[0] == 200, "the proxy to see them")
        assert client.request("POST", cluster.list, {"FriendlyName": "together"})[0] == 200
