"""Lists of 1,000 to 100,000 applications of one account: first byte, memory, time per row."""

import http.client
import time

import pytest

from ..support.databases import BEGIN, connect_directly
from ..support.processes import MEBIBYTE, memory, processor_time, wait_for_workers, worker_pids
from ..support.rows import CHILD, PARENT, STRANGER, application_row
from ..support.scale import APPLICATIONS
from ..support.service import BASE, authorization

pytestmark = pytest.mark.soak

SIZES = {1000: PARENT, APPLICATIONS: CHILD}
SUFFIXES = {"XML": "", "JSON": ".json", "CSV": ".csv"}
ROUNDS = 5


def fill(database_url, account, count):
    """Insert applications of an account, beside the service."""
    connection = connect_directly(database_url)
    connection.execute(BEGIN)
    connection.execute("DELETE FROM restcomm_applications WHERE account_sid = ?", [account["sid"]])
    for number in range(count):
        day, second = f"20{number % 20:02d}-03-{number % 28 + 1:02d}", f"{number % 60:02d}"
        row = application_row(count * 10 + number, account, date_created=f"{day} 10:00:{second}")
        values = ", ".join("?" * len(row))
        statement = f"INSERT INTO restcomm_applications ({', '.join(row)}) VALUES ({values})"
        connection.execute(statement, list(row.values()))
    connection.commit()
    connection.close()


def read_list(port, account, suffix):
    """Read an account's list; give the seconds to its first byte, and its rows."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    target = f"{BASE}/Accounts/{account['sid']}/Applications{suffix}"
    start = time.monotonic()
    connection.request("GET", target, headers=authorization(account))
    reply = connection.getresponse()
    assert reply.status == 200
    reply.read(1)
    first = time.monotonic() - start
    rows = 0
    # A row has its account's sid twice: in AccountSid and in Uri.
    sid, rest = account["sid"].encode(), b""
    while piece := reply.read(65536):
        rows += (rest + piece).count(sid)
        rest = piece[-len(sid) + 1 :]
    connection.close()
    return first, rows // 2


@pytest.mark.parametrize("suffix", SUFFIXES.values(), ids=SUFFIXES)
def test_large_list_begins_at_once_and_stays_flat(make_gunicorn, service, database_url, suffix):
    for count, account in SIZES.items():
        fill(database_url, account, count)
    service.close()
    gunicorn = make_gunicorn(workers=1).start()
    wait_for_workers(gunicorn, 1)
    (pid,) = worker_pids(gunicorn)
    for _ in range(8):  # Each thread once, at least.
        read_list(gunicorn.port, STRANGER, suffix)
    idle = memory(pid, "VmRSS")
    firsts, per_row = [], {count: [] for count in SIZES}
    for _ in range(ROUNDS):
        for count, account in SIZES.items():
            before = processor_time(pid)
            first, rows = read_list(gunicorn.port, account, suffix)
            assert rows == count
            per_row[count].append((processor_time(pid) - before) / rows)
            firsts.append(first)
    peak = memory(pid, "VmHWM") - idle
    best = {count: min(times) for count, times in per_row.items()}
    ratio = max(best.values()) / min(best.values())
    print(
        f"\n{APPLICATIONS} rows: first byte after {min(firsts) * 1000:.0f} to "
        f"{max(firsts) * 1000:.0f} ms, "
        f"peak {peak / MEBIBYTE:.1f} MiB above idle, "
        + ", ".join(f"{time * 1e6:.1f} µs per row of {count}" for count, time in best.items())
        + f", ratio {ratio:.2f}"
    )
    assert min(firsts) < 0.1
    assert peak < 32 * MEBIBYTE
    assert ratio < 1.3
