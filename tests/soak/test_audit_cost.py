"""What the audit trail costs: rounds of changes with it and without, by turns, on one database."""

import operator
import statistics
import time
from functools import partial

import pytest

from ..support.clients import KeptAliveClient
from ..support.command_line import succeed
from ..support.rows import TABLES, account_row
from ..support.scale import CHANGES
from ..support.service import Gunicorn
from ..support.together import run_together

pytestmark = pytest.mark.soak

ROUNDS = 10
WRITERS = 4
CYCLE = 4  # changes from a create to a remove
# One account of many clients: its chain is where they wait for each other.
ACCOUNTS = {"one account": 1, "an account a client": WRITERS}


def write(port, account, count):
    """Make changes: create, update twice, remove, and so on."""
    path = f"/Accounts/{account['sid']}/Applications"
    with KeptAliveClient(port, account) as client:
        for number in range(0, count, CYCLE):
            status, application = client.request("POST", path, {"FriendlyName": f"Number {number}"})
            assert status == 200
            instance = f"{path}/{application['sid']}"
            for form in ({"Kind": "voice", "RcmlUrl": "/a"}, {"RcmlUrl": "/b"}):
                assert client.request("PUT", instance, form)[0] == 200
            assert client.request("DELETE", instance)[0] == 204


def write_as(port, accounts, count, writer):
    """Make changes as one of some writers, who share the accounts."""
    write(port, accounts[writer % len(accounts)], count)


@pytest.mark.parametrize("count", ACCOUNTS.values(), ids=ACCOUNTS)
def test_trail_costs_less_than_a_quarter_of_the_throughput(
    make_service, database_url, tmp_path, count
):
    accounts = [account_row(f"writer{number}") for number in range(count)]
    service = make_service()
    service.insert(TABLES | {"restcomm_accounts": accounts, "restcomm_applications": []})
    service.close()
    services = {
        audit: Gunicorn(database_url, workers=2, log=tmp_path / f"{audit}.log", AUDIT=audit)
        for audit in ("off", "required")
    }
    each = -(-CHANGES // ROUNDS // WRITERS // CYCLE) * CYCLE
    seconds = {audit: [] for audit in services}
    try:
        for gunicorn in services.values():
            gunicorn.start()
            write(gunicorn.port, accounts[0], 40)
        for number in range(ROUNDS):
            # Each goes first as often as the other.
            for audit in list(services)[:: 1 if number % 2 else -1]:
                start = time.monotonic()
                run_together(WRITERS, partial(write_as, services[audit].port, accounts, each))
                seconds[audit].append(time.monotonic() - start)
    finally:
        for gunicorn in services.values():
            if gunicorn.process is not None:
                gunicorn.kill()
    kept = succeed("audit", "verify", DATABASE_URL=database_url)
    ratio = statistics.median(map(operator.truediv, seconds["off"], seconds["required"]))
    overall = sum(seconds["off"]) / sum(seconds["required"])
    print(
        f"\n{ROUNDS} rounds of {each * WRITERS} changes by {WRITERS} clients, {count} accounts: "
        f"with the trail {ratio:.1%} of the throughput without "
        f"(median of the rounds; {overall:.1%} over all); {kept.strip()}"
    )
    assert kept.startswith(f"{ROUNDS * each * WRITERS + 40} changes")
    assert ratio > 0.75
