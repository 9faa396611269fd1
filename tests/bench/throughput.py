"""Throughput of 1, 2 and 4 processes on SQLite and on MariaDB, as ratios to one on SQLite.

``.ci/with-mariadb .venv/bin/python -m tests.bench.throughput`` prints the table of docs/scaling.md.
Every round measures each service in turn; a ratio is the median of those within a round, so that
what else the machine does strikes all alike. The first service is measured twice a round: how
far the second time is from 1.00 is the noise. Needs wrk.
"""

import argparse
import random
import re
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict

from ..support.clients import KeptAliveClient
from ..support.databases import drop_database, new_database_url
from ..support.rows import CHILD, FULL, STRANGER, TABLES
from ..support.service import BASE, Gunicorn, Service, authorization
from ..support.together import run_together

CONNECTIONS = 16
PROCESSES = (1, 2, 4)
FIRST, AGAIN = ("SQLite", 1), ("SQLite", "1 again")


def read_application(gunicorn, seconds):
    """Give the reads of one application a second, as JSON, by wrk."""
    return wrk(gunicorn, seconds, f"/Accounts/{CHILD['sid']}/Applications/{FULL['sid']}.json")


def list_applications(gunicorn, seconds):
    """Give the reads of a list of four a second, as XML, by wrk."""
    return wrk(gunicorn, seconds, f"/Accounts/{CHILD['sid']}/Applications")


def create_application(gunicorn, seconds):
    """Give the creates a second of clients that keep their connections."""

    def create(number):
        count, end = 0, time.monotonic() + seconds
        with KeptAliveClient(gunicorn.port, STRANGER) as client:
            while time.monotonic() < end:
                form = {"FriendlyName": f"{number}-{count}"}
                path = f"/Accounts/{STRANGER['sid']}/Applications"
                assert client.request("POST", path, form)[0] == 200
                count += 1
        return count

    return sum(run_together(CONNECTIONS, create)) / seconds


WORKLOADS = {"read": read_application, "list": list_applications, "create": create_application}


def wrk(gunicorn, seconds, path):
    """Give the requests a second of a GET; every one must be answered by 2xx."""
    header = "Authorization: " + authorization(CHILD)["Authorization"]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", header]
    done = subprocess.run(
        [*command, gunicorn.url + BASE + path],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    return float(re.search(r"Requests/sec: +([\d.]+)", done.stdout)[1])


def measure(services, rounds, seconds):
    """Give {(workload, service): [ratio to FIRST in each round]}."""
    ratios = defaultdict(list)
    for number in range(rounds):
        for workload, run in WORKLOADS.items():
            order = [*services, AGAIN]
            random.Random(number).shuffle(order)
            rates = {name: run(services.get(name, services[FIRST]), seconds) for name in order}
            for name, rate in rates.items():
                ratios[workload, name].append(rate / rates[FIRST])
            print(
                f"round {number + 1}, {workload}: {rates[FIRST]:.0f} a second on one SQLite process"
            )
    return ratios


def table(ratios, services):
    """Make the Markdown table of the median ratios, with the least and the greatest."""
    lines = [f"| | {' | '.join(WORKLOADS)} |", "|---" * (len(WORKLOADS) + 1) + "|"]
    for name in (*services, AGAIN):
        cells = []
        for workload in WORKLOADS:
            found = ratios[workload, name]
            cells.append(f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})")
        engine, processes = name
        lines.append(f"| {engine}, {processes} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    """Start the services, measure them, print the table and remove what was made."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        urls = {"SQLite": f"sqlite:///{folder}/throughput.db", "MariaDB": new_database_url(folder)}
        services = {}
        try:
            for engine, url in urls.items():
                rows = Service(url)
                rows.insert(TABLES)
                rows.close()
                for count in PROCESSES:
                    services[engine, count] = Gunicorn(
                        url, workers=count, LOG_LEVEL="error"
                    ).start()
            print(table(measure(services, chosen.rounds, chosen.seconds), services))
        finally:
            for gunicorn in services.values():
                gunicorn.kill()
            drop_database(urls["MariaDB"])


if __name__ == "__main__":
    main()
