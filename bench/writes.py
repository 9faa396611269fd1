"""Creates per second of the service against a bare loop of the same SQL.

The loop runs the statements of a create, the look-ups of its account and what the audit trail needs
too, on one connection of the driver with nothing around them; each commit is on disk when it
returns, as every create of the service is. They are measured in turns, with the trail and without,
and with ``--before`` an earlier state of the service as well; only the ratios mean anything.
"""

import argparse
import itertools
import logging
import sys
import tempfile
import time
import uuid
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import common
import comparison

from restcomm_apps import create_app
from restcomm_apps.audit.trail import OFF, REQUIRED
from restcomm_apps.store.database import database, is_mysql
from restcomm_apps.store.models import Application
from restcomm_apps.store.sqlite import LOCK_TIMEOUT

FORM = {"FriendlyName": "Welcome", "Kind": "voice", "RcmlUrl": "/welcome.xml"}
SCRIPT = f"""
wrk.method = "POST"
wrk.body = "{urlencode(FORM)}"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
"""
# The services' creates go to account 0, the loop's to this one: it counts its chain in the trail.
LOOPED = 1
# Creates before the loop: the first also looks at the schema and begins the chain, and of the last
# one, which the loop repeats, no other parameter is its number in the chain.
RECORDED = 3


class Recorder(logging.Handler):
    """Keeps the last statements that Peewee ran, by whether they were in a transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Forget them."""
        self.statements: dict[bool, list] = {False: [], True: []}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one: its SQL and its parameters."""
        self.statements[database.in_transaction()].append(record.msg)


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Yield a Recorder of what Peewee runs meanwhile."""
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

    def __init__(self, url: str, audit: str) -> None:
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

    def run(self, seconds: float) -> common.Load:
        """Run it for that long; return the Load, of one client."""
        # The one to read may write here, where there are no requests that share it.
        cursor = database.connection().cursor()
        if not is_mysql():
            # While the last creates of the service end.
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}")
        began, count = time.monotonic(), 0
        while time.monotonic() < began + seconds:
            self._create(cursor)
            count += 1
        return common.Load(count / seconds)

    def _create(self, cursor):
        sid, number = f"AP{uuid.uuid4().hex}", next(self._numbers)
        for sql, parameters in self.look_ups:
            cursor.execute(sql, parameters)
            cursor.fetchall()
        cursor.execute("BEGIN" if is_mysql() else "BEGIN IMMEDIATE")
        for sql, parameters in self.changes:
            cursor.execute(sql, [self._renew(parameter, sid, number) for parameter in parameters])
            cursor.fetchall()
        cursor.execute("COMMIT")

    def _renew(self, parameter, sid, number):
        if isinstance(parameter, str):
            return parameter.replace(self._sid, sid)
        return number if parameter == RECORDED else parameter


def load(port: int, script: Path, arguments: Namespace) -> common.Load:
    """Have a service create applications; return the Load."""
    address = f"http://127.0.0.1:{port}{common.BASE}/{common.account_sid(0)}/Applications"
    present = Application.select().count()
    found = common.wrk(address, arguments.seconds, arguments.clients, "-s", str(script))
    acknowledged = found.rate * arguments.seconds - arguments.clients
    if Application.select().count() - present < acknowledged:
        sys.exit("A create that was acknowledged is not in the database")
    return found


def measure(url: str, audit: str, folder: Path, arguments: Namespace) -> comparison.Loads:
    """Return the Loads of each service and of the loop, one a round."""
    script = Path(folder, "create.lua")
    script.write_text(SCRIPT)
    loop = Loop(url, audit)
    loads: comparison.Loads = {}
    with ExitStack() as stack:
        servers = common.servers(arguments.before, url, AUDIT=audit)
        ports = {name: stack.enter_context(server)[0] for name, server in servers.items()}
        for _ in range(arguments.rounds):
            for name, port in ports.items():
                loads.setdefault(name, []).append(load(port, script, arguments))
            loads.setdefault("loop", []).append(loop.run(arguments.seconds))
    database.close()
    return loads


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    common.add_comparison(parser, rounds=5, seconds=2)
    arguments = parser.parse_args()
    common.require_wrk()
    names = ["service", "before", "loop"] if arguments.before else ["service", "loop"]
    print(comparison.heading("create, trail", names))
    for audit in (REQUIRED, OFF):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            where = Path(folder).resolve()
            with common.new_database_url(arguments.server, where, f"writes_{audit}") as url:
                common.fill(url, 200)
                loads = measure(url, audit, where, arguments)
        print(comparison.line(audit, loads), flush=True)


if __name__ == "__main__":
    main()
