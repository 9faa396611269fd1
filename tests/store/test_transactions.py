"""A transaction is its request's alone, though others go on beside it in the same process."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..support.rows import CHILD, STRANGER

BULK = f"/Accounts/{CHILD['sid']}/Applications/Bulk"
LIST = f"/Accounts/{STRANGER['sid']}/Applications.json"
NOBODYS = "AP" + 32 * "0"
JSON_LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def gunicorn(service, make_gunicorn):
    """A service of one process on the rows of ``rows.TABLES``."""
    service.close()
    return make_gunicorn().start()


def fail_late(gunicorn, until):
    """Send bulks of which the last row is refused, two at least, until an event."""
    rows = [{"FriendlyName": f"Undone {number}"} for number in range(1000)]
    rows.append({"Sid": NOBODYS, "Action": "remove"})
    body = "\n".join(map(json.dumps, rows)).encode()
    count = 0
    while not until.is_set() or count < 2:
        status, _, reply = gunicorn.request("POST", BULK + ".json", CHILD, body, JSON_LINES)
        assert (status, json.loads(reply)["message"][:10]) == (404, "Line 1001:")
        count += 1


def test_undone_bulk_takes_no_other_request_along(gunicorn):
    end = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(fail_late, gunicorn, end)
        try:
            create_beside(gunicorn)
        finally:
            end.set()
        failing.result(120)


def create_beside(gunicorn):
    """Create applications and look what is there meanwhile."""
    created = set()
    for number in range(60):
        form = f"FriendlyName=Kept {number}".encode()
        status, _, body = gunicorn.request("POST", LIST, STRANGER, form)
        assert status == 200, body
        created.add(json.loads(body)["sid"])
        listed = json.loads(gunicorn.request("GET", LIST, STRANGER)[2])
        assert created <= {application["sid"] for application in listed}
        own = json.loads(gunicorn.request("GET", BULK.replace("/Bulk", ".json"), CHILD)[2])
        assert not [each for each in own if each["friendly_name"].startswith("Undone")]
