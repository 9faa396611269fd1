"""A service that is killed amid a bulk: afterwards all of the bulk is there, or nothing of it."""

import http.client
import json
import os
import select
import signal
from pathlib import Path

import pytest

from ..support.clients import KeptAliveClient
from ..support.creates import WORKERS, check_integrity
from ..support.databases import ENGINE, connect_directly
from ..support.processes import accepts, worker_pids
from ..support.rows import CHILD, application_row
from ..support.scale import KILLS
from ..support.service import BASE
from ..support.together import wait_until

pytestmark = pytest.mark.soak

LIST = f"/Accounts/{CHILD['sid']}/Applications"
EACH = 1000
UPDATED = [f"AP{number:032d}" for number in range(EACH)]
REMOVED = [f"AP{number:032d}" for number in range(EACH, 2 * EACH)]
BULK = "\n".join(
    json.dumps(row)
    for number in range(EACH)
    for row in (
        {"FriendlyName": f"New {number}"},
        {"Sid": UPDATED[number], "Kind": "ussd"},
        {"Sid": REMOVED[number], "Action": "remove"},
    )
)


def insert_applications(database_url):
    """Make the account's applications those that the bulk begins with."""
    connection = connect_directly(database_url)
    with connection:
        connection.execute("DELETE FROM restcomm_applications")
        for number in range(2 * EACH):
            row = application_row(number, CHILD)
            connection.execute(
                f"INSERT INTO restcomm_applications ({', '.join(row)}) "
                f"VALUES ({', '.join('?' * len(row))})",
                tuple(row.values()),
            )
    connection.close()


def read_state(database_url):
    """Count the account's applications that are new, updated and not removed."""
    connection = connect_directly(database_url)
    rows = connection.execute(
        "SELECT sid, friendly_name, kind FROM restcomm_applications"
    ).fetchall()
    connection.close()
    by_sid = {sid: kind for sid, _, kind in rows}
    return (
        sum(name.startswith("New ") for _, name, _ in rows),
        sum(by_sid[sid] == "ussd" for sid in UPDATED),
        sum(sid in by_sid for sid in REMOVED),
    )


NOTHING, ALL = (0, 0, EACH), (EACH, EACH, 0)


def used_ticks(pids):
    """Give the clock ticks of processor time that processes have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats)


def find_workers(gunicorn):
    """Wait for the workers and list their pids."""
    wait_until(lambda: len(worker_pids(gunicorn)) == WORKERS, "the workers")
    return worker_pids(gunicorn)


def send_bulk(client):
    """Send the bulk and leave its reply to ``receive``."""
    headers = client.headers | {"Content-Type": "application/x-ndjson"}
    client.connection.request("POST", f"{BASE}{LIST}/Bulk", BULK, headers)


def kill_amid_bulk(gunicorn, ticks):
    """Kill the service once a bulk has cost it so much; tell whether it was answered before."""
    pids = find_workers(gunicorn)
    strike = used_ticks(pids) + ticks
    with KeptAliveClient(gunicorn.port, CHILD) as client:
        send_bulk(client)
        # One bulk costs a little more than another, and is answered before.
        replied = client.connection.sock
        wait_until(
            lambda: used_ticks(pids) >= strike or select.select([replied], [], [], 0)[0],
            "the bulk to come so far",
        )
        os.killpg(gunicorn.process.pid, signal.SIGKILL)
        return is_answered(client)


def test_kill_amid_a_bulk_leaves_all_or_nothing(gunicorn, database_url):
    insert_applications(database_url)
    gunicorn.start()
    pids = find_workers(gunicorn)
    before = used_ticks(pids)
    with KeptAliveClient(gunicorn.port, CHILD) as client:
        send_bulk(client)
        status, outcome = client.receive()
        needed = used_ticks(pids) - before
    assert (status, len(outcome["applications"])) == (200, 2 * EACH)
    assert read_state(database_url) == ALL

    states = []
    for number in range(KILLS):
        insert_applications(database_url)
        answered = kill_amid_bulk(gunicorn, needed * number // KILLS)
        gunicorn.process.wait(30)
        wait_until(lambda: not accepts(gunicorn.port), "the end of all workers")
        gunicorn.start()
        if ENGINE == "sqlite":
            check_integrity(database_url)
        states.append(read_state(database_url))
        assert states[-1] in (NOTHING, ALL)
        assert states[-1] == ALL or not answered
    assert NOTHING in states
    print(
        f"\nkill -9 amid a bulk of {3 * EACH} rows: nothing {states.count(NOTHING)}, "
        f"all {states.count(ALL)} of {KILLS}"
    )


def is_answered(client):
    """Tell whether the whole reply has come."""
    try:
        return client.receive()[0] == 200
    except (ConnectionError, http.client.HTTPException):
        return False
