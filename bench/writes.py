"""Creates per second of the service against a bare loop of the same SQL.

The loop runs the statements of a create, the look-ups of its account and what the audit trail needs
too, on one connection of the driver with nothing around them; each commit is on disk when it
returns, as every create of the service is. The two are measured in turns, with the trail and
without.
"""

import argparse
import itertools
import logging
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import common

from restcomm_apps import create_app, database
from restcomm_apps.config import OFF, REQUIRED
from restcomm_apps.database import LOCK_TIMEOUT, is_mysql
from restcomm_apps.models import Application

FORM = {"FriendlyName": "Welcome", "Kind": "voice", "RcmlUrl": "/welcome.xml"}
SCRIPT = f"""
wrk.method = "POST"
wrk.body = "{urlencode(FORM)}"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
"""
# The service's creates go to account 0, the loop's to this one: it counts its chain in the trail.
LOOPED = 1
# Creates before the loop: the first also looks at the schema and begins the chain, and of the last
# one, which the loop repeats, no other parameter is its number in the chain.
RECORDED = 3


class Recorder(logging.Handler):
    """Keeps the last statements that Peewee ran, by whether they were in a transaction."""

    def __init__(self):
        super().__init__()
        self.clear()

    def clear(self):
        """Forget them."""
        self.statements = {False: [], True: []}

    def emit(self, record):
        """Keep one: its SQL and its parameters."""
        self.statements[database.database.in_transaction()].append(record.msg)


@contextmanager
def recorded():
    """Give a Recorder of what Peewee runs meanwhile."""
    logger, recorder = logging.getLogger("peewee"), Recorder()
    level = logger.level
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    try:
        yield recorder
    finally:
        logger.setLevel(level)
        logger.removeHandler(recorder)


class Loop:
    """The statements of a create of the service, run again and again as other creates.

    ``look_ups`` come before the transaction, ``changes`` are what it consists of.
    """

    def __init__(self, url, audit):
        app = create_app({"RESTCOMM_APPS_DATABASE_URL": url, "RESTCOMM_APPS_AUDIT": audit})
        with recorded() as recorder:
            for _ in range(RECORDED):
                recorder.clear()
                reply = app.test_client().post(
                    f"{common.BASE}/{common.account_sid(LOOPED)}/Applications.json",
                    headers={"Authorization": common.authorization(LOOPED)}, data=FORM,
                )  # fmt: skip
                if reply.status_code != 200:
                    sys.exit(f"A create failed: {reply.text}")
        self.look_ups, self.changes = recorder.statements[False], recorder.statements[True]
        self._sid = reply.json["sid"]
        self._numbers = itertools.count(RECORDED + 1)

    def run(self, seconds):
        """Run it for that long; give how many a second."""
        # The one to read may write here, where there are no requests that share it.
        cursor = database.database.connection().cursor()
        if not is_mysql():
            # While the last creates of the service end.
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}")
        began, count = time.monotonic(), 0
        while time.monotonic() < began + seconds:
            self._create(cursor)
            count += 1
        return count / seconds

    def _create(self, cursor):
        sid, number = f"AP{uuid.uuid4().hex}", next(self._numbers)
        for sql, parameters in self.look_ups:
            cursor.execute(sql, parameters)
            cursor.fetchall()
        cursor.execute("BEGIN" if is_mysql() else "BEGIN IMMEDIATE")
        for sql, parameters in self.changes:
            cursor.execute(sql, [self._renew(each, sid, number) for each in parameters])
            cursor.fetchall()
        cursor.execute("COMMIT")

    def _renew(self, parameter, sid, number):
        if isinstance(parameter, str):
            return parameter.replace(self._sid, sid)
        return number if parameter == RECORDED else parameter


def measure(url, audit, folder, arguments):
    """Give the creates per second of the service and of the loop, of each round."""
    script = Path(folder, "create.lua").resolve()
    script.write_text(SCRIPT)
    loop = Loop(url, audit)
    created, looped = [], []
    with common.service(url, AUDIT=audit) as (port, _):
        address = f"http://127.0.0.1:{port}{common.BASE}/{common.account_sid(0)}/Applications"
        for _ in range(arguments.rounds):
            before = Application.select().count()
            created.append(common.wrk(address, arguments.seconds, "-s", str(script)))
            acknowledged = created[-1] * arguments.seconds - common.CLIENTS
            if Application.select().count() - before < acknowledged:
                sys.exit("A create that was acknowledged is not in the database")
            looped.append(loop.run(arguments.seconds))
    database.database.close()
    return created, looped


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    common.add_server(parser)
    arguments = parser.parse_args()
    common.require_wrk()
    print(f"{'audit trail':>12} {'creates/s':>10} {'bare loop/s':>12} {'ratio':>6}")
    for audit in (REQUIRED, OFF):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            where = Path(folder).resolve()
            with common.new_database_url(arguments.server, where, f"writes_{audit}") as url:
                common.fill(url, 200)
                created, looped = measure(url, audit, folder, arguments)
        ratio = statistics.median(a / b for a, b in zip(created, looped))
        figures = f"{statistics.median(created):10.0f} {statistics.median(looped):12.0f} {ratio:6.2f}"
        print(f"{audit:>12} {figures}", flush=True)


if __name__ == "__main__":
    main()
