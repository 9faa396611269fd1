"""Clients that read, change and write one application with If-Match: no change is lost."""

import json
import time

import pytest

from ..support.clients import KeptAliveClient
from ..support.rows import CHILD, FULL
from ..support.scale import SECONDS
from ..support.service import BASE
from ..support.together import run_together

pytestmark = pytest.mark.soak

INSTANCE = f"/Accounts/{CHILD['sid']}/Applications/{FULL['sid']}"
COUNTERS = 8


def count_up(port, deadline):
    """Count up in the application's name until a moment; give (successes, refusals)."""
    counts = {200: 0, 412: 0}
    with KeptAliveClient(port, CHILD) as client:
        while time.monotonic() < deadline:
            client.send("GET", INSTANCE)
            reply = client.connection.getresponse()
            value = int(json.loads(reply.read())["friendly_name"])
            condition = {"If-Match": reply.getheader("ETag")}
            headers = {**client.headers, **condition}
            client.connection.request("PUT", BASE + INSTANCE, f"FriendlyName={value + 1}", headers)
            reply = client.connection.getresponse()
            reply.read()
            counts[reply.status] += 1
    return counts[200], counts[412]


def test_read_modify_write_loses_no_increment(make_gunicorn, service):
    service.request("PUT", INSTANCE, CHILD, data={"FriendlyName": "0"})
    gunicorn = make_gunicorn(workers=2, threads=4).start()
    deadline = time.monotonic() + SECONDS
    results = run_together(COUNTERS, lambda number: count_up(gunicorn.port, deadline))
    successes, refusals = (sum(each) for each in zip(*results))
    final = json.loads(gunicorn.request("GET", f"{INSTANCE}.json", CHILD)[2])["friendly_name"]
    assert int(final) == successes > 0
    # Without one nothing was tried: no two clients had read the same state.
    assert refusals > 0
    print(
        f"\n{COUNTERS} clients on one application for {SECONDS} s: {successes} increments, "
        f"{refusals} refused with 412"
    )
