"""check-db on a large database: in seconds, and in memory that does not grow with it."""

import os
import subprocess
import sys
import time

import pytest
from peewee import chunked

from restcomm_apps.store.database import database
from restcomm_apps.store.models import Account, Application, IncomingPhoneNumber

from ..support.processes import peak_memory
from ..support.rows import account_row, application_row, number_row
from ..support.scale import APPLICATIONS

pytestmark = pytest.mark.soak

ACCOUNTS = 200
# Far above what an idle machine takes: two cores may have much else to do.
SECONDS, MEBIBYTES = 60, 100


def insert(model, rows):
    """Insert many rows in one transaction."""
    with database.atomic():
        for batch in chunked(rows, 500):
            model.insert_many(batch).execute()


@pytest.fixture
def large_url(make_service, database_url):
    """A database in which every application's number has a reference that dangles."""
    service = make_service()
    accounts = [account_row(f"account{n}") for n in range(ACCOUNTS)]
    insert(Account, accounts)
    numbers = range(APPLICATIONS)
    insert(Application, (application_row(n, accounts[n % ACCOUNTS]) for n in numbers))
    insert(
        IncomingPhoneNumber,
        (
            number_row(
                n,
                accounts[n % ACCOUNTS],
                voice_application_sid=f"AP{n:032d}",
                sms_application_sid=f"AP{n:032x}nowhere"[-34:],
            )
            for n in numbers
        ),
    )
    service.close()
    return database_url


@pytest.mark.parametrize("arguments", [(), ("--fix", "dangling", "--yes")], ids=["check", "fix"])
def test_check_of_a_large_database_takes_seconds_and_little_memory(large_url, arguments):
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "restcomm_apps", "check-db", *arguments],
        env=os.environ | {"RESTCOMM_APPS_DATABASE_URL": large_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    mebibytes = 0
    while process.poll() is None:  # Its output is short and waits in the pipe.
        mebibytes = peak_memory(process.pid) or mebibytes
        time.sleep(0.05)
    seconds = time.monotonic() - start
    output = process.communicate()[0]
    print(f"{' '.join(arguments) or 'check'}: {seconds:.1f} s, {mebibytes:.0f} MiB")
    assert process.returncode == (0 if arguments else 1)
    assert f"Total: {0 if arguments else APPLICATIONS} wrong" in output
    assert (seconds < SECONDS, mebibytes < MEBIBYTES) == (True, True)
