"""Large databases moved in and out: how long it takes, in how much memory, and that every reply is
the same afterwards.
"""

import hashlib
import os
import resource
import subprocess
import sys
import time
from itertools import chain

import pytest

from restcomm_apps import create_app
from restcomm_apps.store.database import database

from ..support.commands import succeed
from ..support.databases import ENGINE
from ..support.processes import peak_memory
from ..support.rows import TABLES, account_row, application_row, client_row, number_row
from ..support.scale import APPLICATIONS
from ..support.scripts import make_script
from ..support.service import BASE, authorization

pytestmark = pytest.mark.soak

SECONDS, MEBIBYTES = 60, 200
ACCOUNTS = [account_row(f"account{number}") for number in range(200)]
NAMES = ["Plain", "It's <&\"é'>", "emoji \U0001f600", "two\nlines", "x" * 64]


def make_rows():
    """Make the rows of a large Restcomm; every fifth application has a number and a client."""
    applications, numbers, clients = [], [], []
    for number in range(APPLICATIONS):
        account = ACCOUNTS[number % len(ACCOUNTS)]
        name = NAMES[number % len(NAMES)]
        applications.append(application_row(number, account, friendly_name=name))
        if number % 5 == 0:
            sid = applications[-1]["sid"]
            numbers.append(number_row(number, account, voice_application_sid=sid, phone_number="1"))
            clients.append(client_row(number, account, voice_application_sid=sid))
    return {
        "restcomm_organizations": TABLES["restcomm_organizations"],
        "restcomm_accounts": ACCOUNTS,
        "restcomm_applications": applications,
        "restcomm_incoming_phone_numbers": numbers,
        "restcomm_clients": clients,
    }


def run_measured(title, *arguments, url):
    """Run a command in a process of its own; print and bound its time and its memory."""
    environ = os.environ | {"RESTCOMM_APPS_DATABASE_URL": url}
    command = [sys.executable, "-m", "restcomm_apps", *map(str, arguments)]
    began, cpu_before = time.monotonic(), cpu_seconds()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        # What the kernel says at the end (ru_maxrss) counts this process's memory, too.
        peak = peak_memory(process.pid) or peak
        time.sleep(0.05)
    seconds = time.monotonic() - began
    cpu = cpu_seconds() - cpu_before
    print(f"\n{ENGINE}: {title}: {seconds:.1f} s ({cpu:.1f} s of CPU), peak {peak:.0f} MiB")
    assert process.returncode == 0
    assert seconds < SECONDS
    assert 0 < peak < MEBIBYTES


def cpu_seconds():
    """Give the CPU time that the children of this process have taken."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="module")
def make_target(make_database_url):
    """A function that makes the URL of a new database with tables."""

    def make():
        url = make_database_url()
        succeed("init-db", DATABASE_URL=url)
        return url

    return make


@pytest.fixture(scope="module")
def source(make_target, tmp_path_factory):
    """The URL of a database into which a large script has been imported."""
    url, script = make_target(), tmp_path_factory.mktemp("script") / "restcomm.script"
    with open(script, "w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in make_script("newest", make_rows()))
    run_measured(f"import of a script, {APPLICATIONS} applications", "import", script, url=url)
    return url


def digests(url):
    """Give the digest of every account's list in both formats, and of a hundredth of the reads."""
    client = create_app({"RESTCOMM_APPS_DATABASE_URL": url}).test_client()
    found = {}
    for first, account in enumerate(ACCOUNTS):
        path = f"{BASE}/Accounts/{account['sid']}/Applications"
        own = range(first, APPLICATIONS, 100 * len(ACCOUNTS))
        reads = (f"/{application_row(number, account)['sid']}" for number in own)
        for ending in chain(["?includeNumbers=true"], reads):
            for accept in ("application/json", "application/xml"):
                headers = authorization(account) | {"Accept": accept}
                reply = client.get(path + ending, headers=headers)
                assert reply.status_code == 200
                found[path + ending, accept] = hashlib.sha256(reply.data).digest()
    database.close()
    return found


def test_import_of_a_large_database_is_fast_and_small(source, make_target):
    target = make_target()
    run_measured("import of a database", "import", source, url=target)
    run_measured("the same import again", "import", source, url=target)
    assert digests(target) == digests(source)


def test_import_of_a_large_export_gives_the_same_replies(source, make_target, tmp_path):
    target, path = make_target(), tmp_path / "rows.jsonl"
    run_measured("export", "export", path, url=source)
    run_measured("import of an export", "import", path, url=target)
    assert digests(target) == digests(source)
