"""GET Accounts in pages, as the clients that list with a limit ask for it, and of any length."""

import pytest
from lxml import etree

from restcomm_apps.resources import listings

from ..support.rows import ORGANIZATION, PARENT, account_row
from ..support.service import BASE, Service

# More than one level, so that a filtered list has other accounts than the plain one.
CHILDREN = [account_row(f"child-{number}", PARENT) for number in range(7)]
BELOW = [account_row(f"below-{number}", CHILDREN[0]) for number in range(5)]
DIRECT = sorted(row["sid"] for row in CHILDREN)
TREE = sorted(row["sid"] for row in [PARENT, *CHILDREN, *BELOW])
FILTER = f"OrganizationSid={ORGANIZATION}"
LISTS = pytest.mark.parametrize(
    "query, expected", [("", DIRECT), (FILTER, TREE)], ids=["all", "filter"]
)


@pytest.fixture(scope="module")
def service(make_database_url):
    """The application with a parent and the accounts below it; nothing here changes a row."""
    service = Service(make_database_url(), ACCESS="lineage")
    service.insert({"restcomm_accounts": [PARENT, *CHILDREN, *BELOW]})
    yield service
    service.close()


def get(service, target, account=PARENT):
    """Read a list or page in JSON."""
    reply = service.request("GET", target.removeprefix(BASE), account)
    assert reply.status_code == 200, reply.data
    return reply.json


@LISTS
def test_page_has_the_envelope_and_links_that_keep_the_filter(service, query, expected):
    page = get(service, f"/Accounts.json?PageSize=3&Unknown=1&{query}")
    base = f"{BASE}/Accounts.json?{query}{'&' if query else ''}"
    last = (len(expected) - 1) // 3
    assert {name: page[name] for name in page if name != "accounts"} == {
        "page": 0,
        "num_pages": last + 1,
        "page_size": 3,
        "total": len(expected),
        "start": 0,
        "end": 2,
        "uri": f"{base}Page=0&PageSize=3",
        "first_page_uri": f"{base}Page=0&PageSize=3",
        "previous_page_uri": None,
        "next_page_uri": f"{base}Page=1&PageSize=3&AfterSid={expected[2]}",
        "last_page_uri": f"{base}Page={last}&PageSize=3",
    }
    assert list(page)[-1] == "accounts"
    assert [each["sid"] for each in page["accounts"]] == expected[:3]


@LISTS
def test_walk_by_links_or_numbers_is_the_list(service, query, expected):
    whole = get(service, f"/Accounts.json?{query}")
    assert [each["sid"] for each in whole] == expected
    page = get(service, f"/Accounts.json?PageSize=3&{query}")
    walked, start = page["accounts"], 0
    while page["next_page_uri"]:
        page = get(service, page["next_page_uri"])
        start += 3
        assert (page["start"], page["total"]) == (start, len(expected))
        walked += page["accounts"]
    numbered = []
    for number in range(page["num_pages"]):
        numbered += get(service, f"/Accounts.json?Page={number}&PageSize=3&{query}")["accounts"]
    assert walked == numbered == whole


def test_page_in_xml_has_attributes(service):
    reply = service.request("GET", "/Accounts.xml?Page=2&PageSize=3", PARENT)
    listed = etree.fromstring(reply.data)[0]
    assert (listed.tag, listed.get("total"), listed.get("nextpageuri")) == ("Accounts", "7", "")
    assert listed.get("previouspageuri") == f"{BASE}/Accounts.xml?Page=1&PageSize=3"
    assert [account.findtext("Sid") for account in listed] == DIRECT[6:]


@LISTS
def test_page_beyond_the_last_leads_back(service, query, expected):
    page = get(service, f"/Accounts.json?Page=9&PageSize=5&{query}")
    assert (page["accounts"], page["next_page_uri"]) == ([], None)
    assert page["previous_page_uri"] == page["last_page_uri"]


def test_page_of_no_sub_accounts_is_empty(service):
    page = get(service, "/Accounts.json?Page=0", BELOW[0])
    assert (page["total"], page["num_pages"], page["page_size"], page["accounts"]) == (0, 0, 50, [])


@pytest.mark.parametrize("suffix", ["", ".json"])
@LISTS
def test_long_list_is_streamed(service, monkeypatch, query, expected, suffix):
    whole = service.request("GET", f"/Accounts{suffix}?{query}", PARENT)
    assert not whole.is_streamed
    for batch in (1, 3, 7):
        monkeypatch.setattr(listings, "BATCH", batch)
        monkeypatch.setattr(listings, "SIDS_AT_ONCE", batch)
        streamed = service.request("GET", f"/Accounts{suffix}?{query}", PARENT)
        assert "Content-Length" not in streamed.headers
        assert streamed.data == whole.data


REFUSED = {
    "Page=x": "Page must be a number from 0 to 999999999",
    "PageSize=0": "PageSize must be a number from 1 to 1000",
    "PageSize=1001": "PageSize must be a number from 1 to 1000",
    "AfterSid=AC1": "AfterSid must be the sid of an account",
}


@pytest.mark.parametrize("query, message", REFUSED.items(), ids=REFUSED)
def test_page_that_cannot_be_is_refused(service, query, message):
    reply = service.request("GET", f"/Accounts.json?{query}", PARENT)
    assert (reply.status_code, reply.json["code"], reply.json["message"]) == (400, 21402, message)
