"""Creates per second of the service against a bare loop of the same SQL.

The loop is one connection without anything around it: a transaction, an insert, a commit that is
on disk when it returns, as every create of the service is. The two are measured in turns.
"""

import argparse
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import common

from restcomm_apps import database
from restcomm_apps.database import is_mysql
from restcomm_apps.models import Application

SCRIPT = """
wrk.method = "POST"
wrk.body = "FriendlyName=Welcome&Kind=voice&RcmlUrl=/welcome.xml"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
"""


def loop(seconds):
    """Insert applications for that long; give how many a second."""
    connected = database.database
    row = common.application_row(0, 0)
    insert = common.insert_statement("restcomm_applications", row)
    cursor = connected.connection().cursor()
    began, count = time.monotonic(), 0
    while time.monotonic() < began + seconds:
        row["sid"] = f"AP{uuid.uuid4().hex}"
        cursor.execute("BEGIN" if is_mysql() else "BEGIN IMMEDIATE")
        cursor.execute(insert, tuple(row.values()))
        cursor.execute("COMMIT")
        count += 1
    return count / seconds


def measure(url, folder, arguments):
    """Give the creates and the inserts per second of each round."""
    script = Path(folder, "create.lua").resolve()
    script.write_text(SCRIPT)
    created, looped = [], []
    # Without the trail, whose statements the loop has not either.
    with common.service(url, AUDIT="off") as (port, _):
        address = f"http://127.0.0.1:{port}{common.BASE}/{common.account_sid(0)}/Applications"
        for _ in range(arguments.rounds):
            before = Application.select().count()
            created.append(common.wrk(address, arguments.seconds, "-s", str(script)))
            acknowledged = created[-1] * arguments.seconds - common.CLIENTS
            if Application.select().count() - before < acknowledged:
                sys.exit("A create that was acknowledged is not in the database")
            looped.append(loop(arguments.seconds))
    return created, looped


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    common.add_server(parser)
    arguments = parser.parse_args()
    common.require_wrk()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        where = Path(folder).resolve()
        with common.new_database_url(arguments.server, where, "writes") as url:
            common.fill(url, 100)
            created, looped = measure(url, folder, arguments)
            database.database.close()
    ratio = statistics.median(a / b for a, b in zip(created, looped))
    print(f"creates per second, {common.CLIENTS} clients: {statistics.median(created):.0f}")
    print(f"inserts per second, bare loop: {statistics.median(looped):.0f}")
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
