"""Rows with values of any size: listed in batches and pieces that are bounded by octets."""

import csv
import gzip
import io
import json

import pytest
from lxml import etree

from restcomm_apps.resources import listings
from restcomm_apps.resources.applications import listing
from restcomm_apps.resources.applications.listing import ApplicationListing
from restcomm_apps.resources.selection import Part, Selection
from restcomm_apps.store.models import Account, Application

from ..support.rows import CHILD, FULL, STRANGER, application_row, number_row
from ..support.service import BASE, authorization

LIST = f"/Accounts/{STRANGER['sid']}/Applications"
SUFFIXES = ["", ".json", ".csv"]
# Beside plain ones: one octet more than is read with a batch, one that fills a batch, two that are
# more than one, in octets alone or in characters too; and what looks heavy to nobody.
SIZES = [0, 40, 1025, 1024, 2**20 - 1, 30, 3 * 2**20, 2000, 10, 2**20]


@pytest.fixture(autouse=True)
def long_cells():
    """Have Python's reader of CSV take more than it does unasked."""
    limit = csv.field_size_limit(2**23)
    yield
    csv.field_size_limit(limit)


def url_of(size):
    """Make an URL of that many octets, most of them in characters of two."""
    return ("/" + "&é" * (size // 3) + "xx")[:size] if size else None


@pytest.fixture
def rows(service):
    """A stranger's applications whose RcmlUrl have the SIZES, as an older service let them in."""
    rows = [
        application_row(number, STRANGER, date_created="2020-01-01 00:00:00", rcml_url=url_of(size))
        for number, size in enumerate(SIZES, 50)
    ]
    service.insert({"restcomm_applications": rows})
    others = (Application.account_sid == STRANGER["sid"]) & (Application.sid < rows[0]["sid"])
    Application.delete().where(others).execute()
    return rows


def read_urls(reply, suffix):
    """Give (sid, RcmlUrl or None) of each row of a list or page."""
    if suffix == ".csv":
        rows = csv.DictReader(io.StringIO(reply.text, newline=""))
        return [(row["Sid"], row["RcmlUrl"] or None) for row in rows]
    if suffix == ".json":
        listed = reply.json
        listed = listed["applications"] if isinstance(listed, dict) else listed
        return [(row["sid"], row.get("rcml_url")) for row in listed]
    parser = etree.XMLParser(huge_tree=True)
    listed = etree.fromstring(reply.data, parser)[0]
    return [(row.findtext("Sid"), row.findtext("RcmlUrl")) for row in listed]


@pytest.mark.parametrize(
    "query", ["?", "?Page=0", "?SortBy=DateUpdated:desc", "?Page=0&FriendlyName=A*"]
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_list_of_heavy_rows_is_whole_and_streamed(service, rows, query, suffix):
    reply = service.request("GET", f"{LIST}{suffix}{query}", STRANGER)
    expected = [(row["sid"], row["rcml_url"]) for row in rows]
    found = read_urls(reply, suffix)
    assert found == (expected[::-1] if "desc" in query else expected)
    assert "ETag" not in reply.headers and "Content-Length" not in reply.headers
    zipped = service.client.get(
        f"{BASE}{LIST}{suffix}{query}",
        headers=authorization(STRANGER) | {"Accept-Encoding": "gzip"},
    )
    # The links of one by name repeat what the client has chosen.
    is_plain = "FriendlyName" in query
    assert (zipped.data if is_plain else gzip.decompress(zipped.data)) == reply.data


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".json?includeNumbers=true&Page=0", "?Page=0"])
def test_stream_of_heavy_rows_is_the_whole_document(service, rows, monkeypatch, suffix):
    numbers = [number_row(9, STRANGER, voice_application_sid=rows[2]["sid"])]
    service.insert({"restcomm_incoming_phone_numbers": numbers})
    # By name, of which no statement is kept.
    target = f"{LIST}{suffix}{'&' if '?' in suffix else '?'}FriendlyName=A*"
    streamed = service.request("GET", target, STRANGER)
    monkeypatch.setattr(listings, "LARGEST_LIGHT_ROW", 2**24)
    whole = service.request("GET", target, STRANGER)
    assert "ETag" in whole.headers and "ETag" not in streamed.headers
    assert streamed.data == whole.data


def test_pieces_are_bounded_by_octets(service):
    many = [application_row(n, CHILD, rcml_url="/" + "x" * 100_000) for n in range(100, 200)]
    service.insert({"restcomm_applications": many})
    for suffix in SUFFIXES:
        path = f"{BASE}/Accounts/{CHILD['sid']}/Applications{suffix}"
        reply = service.client.get(path, headers=authorization(CHILD), buffered=False)
        sizes = [len(piece) for piece in reply.iter_encoded()]
        assert sum(sizes) > 100 * 100_000
        assert max(sizes) < 2 * listings.LARGEST_BATCH


@pytest.mark.parametrize("suffix", [*SUFFIXES, "?PageSize=104", ".json?includeNumbers=true"])
def test_rows_of_the_longest_url_there_is_go_out_whole(service, suffix):
    long = [application_row(n, CHILD, rcml_url="/" + "x" * 7999) for n in range(100, 200)]
    service.insert({"restcomm_applications": long})
    reply = service.request("GET", f"/Accounts/{CHILD['sid']}/Applications{suffix}", CHILD)
    assert reply.headers["ETag"].startswith('W/"')
    assert reply.data.count(b"x" * 7999) == 100


def listed(batches):
    """List the sids and the lengths of the URLs of batches."""
    return [
        (row.sid, row.rcml_url and len(row.rcml_url)) for batch in batches for row in batch.rows
    ]


def test_row_that_is_removed_or_changed_before_its_turn(service, rows):
    account = Account(sid=STRANGER["sid"])
    batches = ApplicationListing(account, Selection()).batches()
    first = next(batches)
    removed, changed = rows[6], rows[9]
    Application.delete().where(Application.sid == removed["sid"]).execute()
    Application.update(rcml_url="/short").where(Application.sid == changed["sid"]).execute()
    found = listed([first, *batches])
    expected = [(row["sid"], row["rcml_url"] and len(row["rcml_url"])) for row in rows]
    assert found == [*expected[:6], *expected[7:9], (changed["sid"], len("/short"))]


def test_list_whose_rows_are_all_removed_before_their_turn_is_empty(service, rows):
    account = Account(sid=STRANGER["sid"])
    page = ApplicationListing(account, Selection(part=Part(9, 0))).page(Part(9, 0))
    Application.delete().where(Application.account_sid == STRANGER["sid"]).execute()
    light = [row["sid"] for row in rows[:9] if len((row["rcml_url"] or "").encode()) <= 1024]
    assert [sid for sid, _ in listed(page.batches)] == light
    assert (page.length, page.total) == (9, 10)


@pytest.mark.parametrize("suffix", ["", ".json", "?PageSize=3", ".json?PageSize=3"])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_numbers_are_read_a_few_at_once(service, monkeypatch, suffix, most):
    more = [
        number_row(
            n, CHILD, sms_application_sid=FULL["sid"], voice_application_sid=f"AP{n % 4 + 1:032d}"
        )
        for n in range(20, 30)
    ]
    service.insert({"restcomm_incoming_phone_numbers": more})
    separator = "&" if "?" in suffix else "?"
    target = f"/Accounts/{CHILD['sid']}/Applications{suffix}{separator}includeNumbers=true"
    whole = service.request("GET", target, CHILD)
    assert "ETag" in whole.headers
    monkeypatch.setattr(listing, "MOST_NUMBERS", most)
    streamed = service.request("GET", target, CHILD)
    assert "ETag" not in streamed.headers
    assert streamed.data == whole.data


@pytest.mark.parametrize("size", [1, 1024, 1025, 2**20, 2**20 + 1])
def test_list_of_one_row_is_whole_whatever_its_size(service, size):
    Application.update(rcml_url=url_of(size)).where(Application.sid == FULL["sid"]).execute()
    Application.delete().where(Application.sid != FULL["sid"]).execute()
    reply = service.request("GET", f"/Accounts/{CHILD['sid']}/Applications.json", CHILD)
    assert [row["rcml_url"] for row in json.loads(reply.data)] == [url_of(size)]
    assert "ETag" in reply.headers
