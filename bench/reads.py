"""Reads per second of the service against the floor, side by side: ``make bench``.

With ``--before`` also against an earlier state of the service. All get the same database, 200
accounts of 100 applications, the service and the floor two processes of four threads. They are
measured in turns, so that a machine whose speed drifts drifts for all; only the ratios mean
anything. The floor reads SQLite, so that on MariaDB there is none.
"""

import argparse
import sys
import tempfile
from argparse import Namespace
from contextlib import ExitStack

import common
import comparison
from comparison import Loads

ACCOUNT = f"{common.BASE}/{common.account_sid(0)}/Applications"
ONE = f"{ACCOUNT}/{common.application_row(0, 1)['sid']}"
JOBS = {
    "one, JSON": f"{ONE}.json",
    "one, XML": ONE,
    "list of 100, JSON": f"{ACCOUNT}.json",
    "list of 100, XML": ACCOUNT,
}
FLOOR = common.python("gunicorn", "-k", "gthread", "--log-level", "warning", "floor:app")


def measure(ports: dict[str, int], arguments: Namespace) -> dict[str, Loads]:
    """Return the Loads of each job and server, one a round."""
    loads: dict[str, Loads] = {job: {name: [] for name in ports} for job in JOBS}
    for _ in range(arguments.rounds):
        for job, path in JOBS.items():
            for name, port in ports.items():
                url = f"http://127.0.0.1:{port}{path}"
                load = common.wrk(url, arguments.seconds, arguments.clients)
                loads[job][name].append(load)
    return loads


def compare(servers: dict[str, common.Served], arguments: Namespace) -> None:
    """Serve all, measure them and print a table."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(server) for name, server in servers.items()}
        loads = measure({name: port for name, (port, _) in running.items()}, arguments)
        print(comparison.heading("read", list(running)))
        for job, of in loads.items():
            print(comparison.line(job, of))
        for name, (_, pid) in running.items():
            print(f"resident MiB of {name}: {common.resident_mebibytes(pid):.0f}")


def main() -> None:
    """Make the database, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    common.add_comparison(parser, rounds=7, seconds=1)
    arguments = parser.parse_args()
    if arguments.server and not arguments.before:
        sys.exit("On a MariaDB there is no floor; name an earlier state of the service by --before")
    common.require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        with common.new_database_url(arguments.server, folder, "reads") as url:
            common.fill(url, 20_000)
            servers = common.servers(arguments.before, url)
            if not arguments.server:
                servers["floor"] = common.served(FLOOR, FLOOR_DATABASE=f"{folder}/reads.db")
            compare(servers, arguments)


if __name__ == "__main__":
    main()
