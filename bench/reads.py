"""Reads per second of the service against the floor, side by side: ``make bench``.

Both get two processes of four threads and the same SQLite file: 200 accounts of 100 applications.
They are measured in turns, so that a machine whose speed drifts drifts for both; only the ratios
mean anything.
"""

import argparse
import statistics
import tempfile

import common

ACCOUNT = f"{common.BASE}/{common.account_sid(0)}/Applications"
ONE = f"{ACCOUNT}/{common.application_row(0, 1)['sid']}"
JOBS = {
    "one, JSON": f"{ONE}.json",
    "one, XML": ONE,
    "list of 100, JSON": f"{ACCOUNT}.json",
    "list of 100, XML": ACCOUNT,
}
FLOOR = (
    "gunicorn", "-k", "gthread", "--workers", str(common.PROCESSES),
    "--threads", str(common.THREADS), "--log-level", "warning", "--bind", "127.0.0.1:PORT",
    "floor:app",
)  # fmt: skip


def measure(ports, rounds, seconds):
    """Give the requests per second of each job and server, a list of one figure a round."""
    rates = {job: {name: [] for name in ports} for job in JOBS}
    for _ in range(rounds):
        for job, path in JOBS.items():
            for name, port in ports.items():
                rates[job][name].append(common.wrk(f"http://127.0.0.1:{port}{path}", seconds))
    return rates


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=1)
    arguments = parser.parse_args()
    common.require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/bench.db"
        common.fill(f"sqlite:///{path}", 20_000)
        with (
            common.service(f"sqlite:///{path}") as (service, service_pid),
            common.served(FLOOR, FLOOR_DATABASE=path) as (floor, floor_pid),
        ):
            ports = {"service": service, "floor": floor}
            rates = measure(ports, arguments.rounds, arguments.seconds)
            print(f"{'read':18} {'service/s':>10} {'floor/s':>10} {'ratio':>6}")
            for job, of in rates.items():
                ratio = statistics.median(a / b for a, b in zip(of["service"], of["floor"]))
                medians = [statistics.median(of[name]) for name in ports]
                print(f"{job:18} {medians[0]:10.0f} {medians[1]:10.0f} {ratio:6.2f}")
            resident = [common.resident_mebibytes(pid) for pid in (service_pid, floor_pid)]
            print(f"{'resident MiB':18} {resident[0]:10.0f} {resident[1]:10.0f}")


if __name__ == "__main__":
    main()
