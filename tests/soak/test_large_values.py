"""Lists whose rows are large or many, of every kind: what a worker needs in memory to send them."""

import http.client
import zlib

import pytest

from ..support.databases import BEGIN, connect_directly
from ..support.processes import MEBIBYTE, memory, wait_for_workers, worker_pids
from ..support.rows import (
    CHILD,
    FULL,
    GRANDCHILD,
    PARENT,
    STRANGER,
    account_row,
    application_row,
    number_row,
)
from ..support.scale import APPLICATIONS
from ..support.service import BASE, authorization

pytestmark = pytest.mark.soak

# Octets of a long text, a third of them to be escaped; how many there are of each kind.
LONG = 1_000_000
URLS, CHANGES = 200, 70
# What a worker may need beside what it has when idle, in KiB.
MOST = 64 * MEBIBYTE


def insert(database_url, table, rows):
    """Insert rows, an iterable, beside the service."""
    connection = connect_directly(database_url)
    connection.execute(BEGIN)
    for row in rows:
        values = ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"
        connection.execute(statement, list(row.values()))
    connection.commit()
    connection.close()


def change_row(number):
    """Make the row of a change to FULL that some older service made."""
    text = f'{{"rcml_url": [null, "/{"x&y" * (LONG // 3)}"]}}'
    return {
        "account_sid": CHILD["sid"],
        "sequence": number,
        "changed_at": "2026-11-23T23:42:28.000123Z",
        "action": "update",
        "resource_sid": FULL["sid"],
        "request_id": "large",
        "properties": text,
        "previous_hash": "0" * 64,
        "hash": "0" * 64,
    }


def url_rows():
    """Make a grandchild's applications with long RcmlUrls."""
    url = "/" + "x&y" * (LONG // 3)
    return (application_row(n, GRANDCHILD, rcml_url=url) for n in range(100, 100 + URLS))


def account_rows():
    """Make many sub-accounts of the stranger."""
    return (account_row(f"sub-{n}", STRANGER) for n in range(APPLICATIONS))


def number_rows():
    """Make many numbers of the parent: half of them of one application, others share the rest."""
    for n in range(APPLICATIONS):
        sid = f"AP{900 + n % 2 * (n % 99):032d}"
        yield number_row(n + 100, PARENT, phone_number=f"+{n}", voice_application_sid=sid)


def read(port, target, account, gzip):
    """Read a list to its end; give its octets, unpacked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = authorization(account) | ({"Accept-Encoding": "gzip"} if gzip else {})
    connection.request("GET", BASE + target, headers=headers)
    reply = connection.getresponse()
    assert reply.status == 200
    count, unzipper = 0, zlib.decompressobj(wbits=31)
    while piece := reply.read(65536):
        count += len(unzipper.decompress(piece) if gzip else piece)
    connection.close()
    return count


LISTS = {
    **{
        f"applications{suffix}{query}{' zipped' if gzip else ''}": (
            f"/Accounts/{GRANDCHILD['sid']}/Applications{suffix}{query}",
            GRANDCHILD,
            gzip,
            URLS * LONG,
        )
        for suffix in ("", ".json", ".csv")
        for query in ("", "?PageSize=1000")
        for gzip in (False, True)
    },
    **{
        f"changes{suffix}": (
            f"/Accounts/{CHILD['sid']}/Applications/{FULL['sid']}/Changes{suffix}",
            CHILD,
            False,
            CHANGES * LONG,
        )
        for suffix in ("", ".json", ".json?PageSize=1000")
    },
    **{
        f"accounts{suffix}": (f"/Accounts{suffix}", STRANGER, False, APPLICATIONS * 1000)
        for suffix in ("", ".json", f".json?OrganizationSid={STRANGER['organization_sid']}")
    },
    **{
        f"numbers{suffix}": (
            f"/Accounts/{PARENT['sid']}/Applications{suffix}",
            PARENT,
            False,
            APPLICATIONS * 100,
        )
        for suffix in ("?includeNumbers=true", ".json?includeNumbers=true")
    },
}


def test_any_list_is_sent_in_flat_memory(make_gunicorn, service, database_url):
    insert(database_url, "restcomm_applications", url_rows())
    insert(database_url, "restcomm_apps_changes", map(change_row, range(1, CHANGES + 1)))
    insert(database_url, "restcomm_accounts", account_rows())
    shared = (application_row(n, PARENT) for n in range(900, 1000))
    insert(database_url, "restcomm_applications", shared)
    insert(database_url, "restcomm_incoming_phone_numbers", number_rows())
    service.close()
    gunicorn = make_gunicorn(workers=1, ACCESS="lineage").start()
    wait_for_workers(gunicorn, 1)
    (pid,) = worker_pids(gunicorn)
    for suffix in ("", ".json", ".csv"):
        read(gunicorn.port, f"/Accounts/{CHILD['sid']}/Applications{suffix}", CHILD, False)
    idle = memory(pid, "VmRSS")
    peaks = {}
    for name, (target, account, gzip, least) in LISTS.items():
        assert read(gunicorn.port, target, account, gzip) > least
        peaks[name] = memory(pid, "VmHWM") - idle
        print(f"\n{name}: at most {peaks[name] / MEBIBYTE:.1f} MiB above idle so far", end="")
    assert max(peaks.values()) < MOST
