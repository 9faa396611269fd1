"""Creates per second of the service against a bare loop of the same SQL, on SQLite.

The loop is one connection without anything around it: a transaction, an insert, a commit that is
on disk when it returns, as every create of the service is. The two are measured in turns.
"""

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import common

SCRIPT = """
wrk.method = "POST"
wrk.body = "FriendlyName=Welcome&Kind=voice&RcmlUrl=/welcome.xml"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
"""


def loop(path, seconds):
    """Insert applications for that long; give how many a second."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")
    row = common.application_row(0, 0)
    insert = (
        f"INSERT INTO restcomm_applications ({', '.join(row)}) "
        f"VALUES ({', '.join(f':{name}' for name in row)})"
    )
    began, count = time.monotonic(), 0
    while time.monotonic() < began + seconds:
        row["sid"] = f"AP{uuid.uuid4().hex}"
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(insert, row)
        connection.execute("COMMIT")
        count += 1
    connection.close()
    return count / seconds


def count_rows(path):
    """Count the applications in a SQLite file."""
    connection = sqlite3.connect(path, timeout=30)
    (count,) = connection.execute("SELECT count(*) FROM restcomm_applications").fetchone()
    connection.close()
    return count


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    common.require_wrk()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path, script = f"{Path(folder).resolve()}/bench.db", Path(folder, "create.lua").resolve()
        script.write_text(SCRIPT)
        common.fill(f"sqlite:///{path}", 100)
        with common.service(f"sqlite:///{path}") as (port, _):
            url = f"http://127.0.0.1:{port}{common.BASE}/{common.account_sid(0)}/Applications"
            created, looped = [], []
            for _ in range(arguments.rounds):
                before = count_rows(path)
                created.append(common.wrk(url, arguments.seconds, "-s", str(script)))
                if count_rows(path) - before < created[-1] * arguments.seconds - common.CLIENTS:
                    sys.exit("A create that was acknowledged is not in the database")
                looped.append(loop(path, arguments.seconds))
    ratio = statistics.median(a / b for a, b in zip(created, looped))
    print(f"creates per second, {common.CLIENTS} clients: {statistics.median(created):.0f}")
    print(f"inserts per second, bare loop: {statistics.median(looped):.0f}")
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
