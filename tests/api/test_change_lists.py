"""The list of an application's changes: in pages, and streamed where it is long."""

import pytest
from lxml import etree

from restcomm_apps.resources import listings

from ..support.rows import CHILD, FULL
from ..support.service import BASE

INSTANCE = f"/Accounts/{CHILD['sid']}/Applications/{FULL['sid']}"


def make_changes(service, values):
    """Give an application one name after the other."""
    for value in values:
        service.request("PUT", INSTANCE, CHILD, data={"FriendlyName": value})


def get_changes(service, target):
    """Read a list or page of changes."""
    reply = service.request("GET", target.removeprefix(BASE), CHILD)
    assert reply.status_code == 200, reply.data
    return reply.json


def test_changes_come_in_pages(service):
    make_changes(service, [f"name {number}" for number in range(7)])
    whole = get_changes(service, f"{INSTANCE}/Changes.json")
    assert [each["sequence"] for each in whole] == list(range(1, 8))
    page = get_changes(service, f"{INSTANCE}/Changes.json?PageSize=3&Unknown=1")
    path = f"{BASE}{INSTANCE}/Changes.json"
    assert {name: page[name] for name in page if name != "changes"} == {
        "page": 0,
        "num_pages": 3,
        "page_size": 3,
        "total": 7,
        "start": 0,
        "end": 2,
        "uri": f"{path}?Page=0&PageSize=3",
        "first_page_uri": f"{path}?Page=0&PageSize=3",
        "previous_page_uri": None,
        "next_page_uri": f"{path}?Page=1&PageSize=3",
        "last_page_uri": f"{path}?Page=2&PageSize=3",
    }
    walked = page["changes"]
    while page["next_page_uri"]:
        page = get_changes(service, page["next_page_uri"])
        walked += page["changes"]
    assert walked == whole
    assert get_changes(service, f"{INSTANCE}/Changes.json?Page=0")["page_size"] == 50


def test_page_of_changes_in_xml_has_attributes(service):
    make_changes(service, ["a", "b"])
    reply = service.request("GET", f"{INSTANCE}/Changes.xml?Page=1&PageSize=1", CHILD)
    listed = etree.fromstring(reply.data)[0]
    assert (listed.tag, listed.get("total"), listed.get("nextpageuri")) == ("Changes", "2", "")
    assert listed.get("previouspageuri") == f"{BASE}{INSTANCE}/Changes.xml?Page=0&PageSize=1"
    assert [change.findtext("Sequence") for change in listed] == ["2"]


def test_page_of_changes_where_there_are_none_is_empty(service):
    page = get_changes(service, f"{INSTANCE}/Changes.json?Page=3")
    assert (page["total"], page["changes"]) == (0, [])


@pytest.mark.parametrize("query", ["Page=x", "PageSize=0", "PageSize=1001", "Page=-1"])
def test_changes_refuse_a_page_that_cannot_be(service, query):
    reply = service.request("GET", f"{INSTANCE}/Changes.json?{query}", CHILD)
    assert (reply.status_code, reply.json["code"]) == (400, 21402)


@pytest.mark.parametrize("suffix", ["", ".json", "?PageSize=100", ".json?PageSize=100"])
def test_long_changes_are_streamed(service, monkeypatch, suffix):
    make_changes(service, [f"{number:x>64}" for number in range(40)])
    whole = service.request("GET", f"{INSTANCE}/Changes{suffix}", CHILD)
    assert not whole.is_streamed
    if "?" not in suffix:
        monkeypatch.setattr(listings, "BATCH", 7)
        assert service.request("GET", f"{INSTANCE}/Changes{suffix}", CHILD).data == whole.data
    monkeypatch.setattr(listings, "LARGEST_LIGHT_ROW", 50)
    monkeypatch.setattr(listings, "LARGEST_BATCH", 600)
    streamed = service.request("GET", f"{INSTANCE}/Changes{suffix}", CHILD)
    assert "Content-Length" not in streamed.headers
    assert streamed.data == whole.data
