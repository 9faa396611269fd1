"""What the measurements share: rows, servers on free ports, and wrk."""

import base64
import itertools
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from restcomm_apps.domain import vocabulary
from restcomm_apps.store import models, schema
from restcomm_apps.store.database import Store, database
from restcomm_apps.store.engines import make_database
from restcomm_apps.store.urls import parse

TOKEN = "0123456789abcdef0123456789abcdef"
DATE = "2016-06-01 10:00:00"
BASE = "/restcomm/2012-04-24/Accounts"
PROCESSES, THREADS, CLIENTS = 2, 4, 8
HERE = Path(__file__).parent
MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


Row = dict[str, object]
# The port and the pid of a server that runs.
Served = AbstractContextManager[tuple[int, int]]


class Load(NamedTuple):
    """What was done a second, and within how many milliseconds 99 of 100 replies came, or None."""

    rate: float
    p99: float | None = None


def account_sid(number: int) -> str:
    """Return the sid of an account by its number."""
    return f"AC{number:032d}"


def authorization(number: int) -> str:
    """Return the value of the header Authorization of an account."""
    return "Basic " + base64.b64encode(f"{account_sid(number)}:{TOKEN}".encode()).decode()


def account_row(number: int) -> Row:
    """Make the row of an account."""
    sid = account_sid(number)
    return {
        "sid": sid,
        "date_created": DATE,
        "date_updated": DATE,
        "email_address": f"account{number}@example.com",
        "friendly_name": f"Account {number}",
        "parent_sid": None,
        "type": "Full",
        "status": vocabulary.ACTIVE,
        "auth_token": TOKEN,
        "role": "Administrator",
        "uri": f"/2012-04-24/Accounts/{sid}",
        "organization_sid": vocabulary.FIRST_ORGANIZATION[0],
    }


def application_row(account: int, number: int) -> Row:
    """Make the row of an account's application; the dates are spread over an hour."""
    owner, sid = account_sid(account), f"AP{account:016d}{number:016d}"
    return {
        "sid": sid,
        "date_created": f"2016-06-01 10:{number % 60:02d}:{number * 7 % 60:02d}",
        "date_updated": DATE,
        "friendly_name": f"Application {number}",
        "account_sid": owner,
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": False,
        "uri": f"/2012-04-24/Accounts/{owner}/Applications/{sid}",
        "rcml_url": f"/visual-designer/services/apps/{sid}/controller",
        "kind": "voice",
    }


def fill(url: str, applications: int, to_an_account: int = 100) -> None:
    """Make a database with that many applications, so many to an account."""
    Store(url).enter()
    accounts = range(applications // to_an_account)
    with database.connection_context(), database.atomic():
        schema.create_tables(DATE)
        _insert(models.Account, (account_row(account) for account in accounts))
        _insert(
            models.Application,
            (application_row(account, n) for account in accounts for n in range(to_an_account)),
        )


def _insert(model, rows):
    """Insert rows, dicts of the same columns, past Peewee: there may be a million."""
    first = next(rows)
    statement = insert_statement(model._meta.table_name, first)
    values = (tuple(row.values()) for row in itertools.chain([first], rows))
    database.cursor().executemany(statement, values)


def insert_statement(table: str, row: Row) -> str:
    """Write the INSERT of a row, a dict, in the manner of the database's driver."""
    mark = database.param
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(mark for _ in row)})"


@contextmanager
def new_database_url(server: str | None, folder: object, name: object) -> Iterator[str]:
    """Yield the URL of a new database on a MariaDB, or in a folder where ``server`` is None."""
    if server is None:
        yield f"sqlite:///{folder}/{name}.db"
        return
    name = f"restcomm_apps_bench_{name}_{os.getpid()}"
    outside = make_database(parse(f"{server}/mysql"))
    outside.execute_sql(f"CREATE DATABASE {name}")
    try:
        yield f"{server}/{name}"
    finally:
        outside.execute_sql(f"DROP DATABASE {name}")
        outside.close()


def add_server(parser: ArgumentParser) -> None:
    """Let a measurement run on a MariaDB."""
    parser.add_argument("--server", help="e.g. mysql://root@127.0.0.1:3306; else SQLite")


def add_comparison(parser: ArgumentParser, rounds: int, seconds: int) -> None:
    """Let a measurement load the service, and an earlier state of it, with wrk."""
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=seconds, help="of each measurement")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="connections kept and busy")
    parser.add_argument(
        "--before", metavar="COMMAND",
        help="serves an earlier state of the service on 127.0.0.1:$PORT, run by a shell",
    )  # fmt: skip
    add_server(parser)


def require_wrk() -> None:
    """End with a sentence where wrk is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; install it with: apt-get install wrk")


def wrk(url: str, seconds: int, clients: int, *options: str) -> Load:
    """Load a URL with connections of account 0; return the Load."""
    output = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", *options,
         "-H", f"Authorization: {authorization(0)}", url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"{url} failed under load:\n{output}")
    return read_load(output)


def read_load(output: str) -> Load:
    """Read the Load from what wrk prints with --latency."""
    (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", output)
    ((p99, unit),) = re.findall(r"\s99%\s+([\d.]+)(us|ms|s|m)\s", output)
    return Load(float(rate), float(p99) * MILLISECONDS[unit])


@contextmanager
def served(command: str, folder: Path = HERE, **environ: str) -> Iterator[tuple[int, int]]:
    """Have a shell run a server that listens on 127.0.0.1:$PORT; yield its port and pid."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        command, shell=True, env=os.environ | environ | {"PORT": str(port)},
        cwd=folder, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield port, process.pid
    finally:
        # Processes of a server that has ended may still be there.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def python(*arguments: str) -> str:
    """Write the command that runs a module as this Python does, of 2 processes of 4 threads.

    They are arguments of gunicorn and of ``serve`` alike.
    """
    sizes = ["--workers", str(PROCESSES), "--threads", str(THREADS)]
    words = shlex.join([sys.executable, "-m", *arguments, *sizes])
    return f"exec {words} --bind 127.0.0.1:$PORT"


def servers(before: str | None, url: str, **settings: str) -> dict[str, Served]:
    """Return by name what serves a database: the service, and where there is a command ``before``.

    Each is a context as of ``served``. The command runs where the measurement was started.
    """
    settings = {"DATABASE_URL": url, "LOG_LEVEL": "warning"} | settings
    environ = {f"RESTCOMM_APPS_{name}": text for name, text in settings.items()}
    found: dict[str, Served] = {
        "service": served(python("restcomm_apps", "serve"), HERE, **environ)
    }
    if before:
        found["before"] = served(before, Path.cwd(), **environ)
    return found


def _wait_for(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"A server did not start: {process.args}")
            time.sleep(0.05)


def resident_mebibytes(pid: int | str) -> float:
    """Return the resident memory of a process and its children, in MiB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = pages * os.sysconf("SC_PAGESIZE") / 2**20
    return own + sum(resident_mebibytes(child) for child in children)
