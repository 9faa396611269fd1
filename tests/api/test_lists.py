"""Pages, filters and orders of the list of applications, and how they say what is wrong."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlencode

import pytest
from lxml import etree

from ..support.clients import KeptAliveClient
from ..support.rows import BARE, CHILD, FULL, MARKUP, NAMESAKE, PARENTS, application_row
from ..support.service import BASE

LIST = f"/Accounts/{CHILD['sid']}/Applications"
PATH = f"{BASE}{LIST}"
# In the usual order.
OWN = [NAMESAKE, FULL, BARE, MARKUP]
KEYS = (
    "page num_pages page_size total start end uri first_page_uri previous_page_uri next_page_uri "
    "last_page_uri applications"
).split()
ATTRIBUTES = (
    "page numpages pagesize total start end uri firstpageuri previouspageuri nextpageuri "
    "lastpageuri"
).split()


def get(service, account=CHILD, suffix=".json", **parameters):
    """Read the list with parameters; give the parsed JSON, or the status and the message."""
    reply = service.request("GET", f"{LIST}{suffix}?{urlencode(parameters)}", account)
    assert reply.status_code == 200, reply.data
    return reply.json


def follow(service, uri):
    """Follow a link of a page."""
    return service.request("GET", uri.removeprefix(BASE), CHILD).json


def sids(listed):
    """List the sids of a page or of a bare list."""
    rows = listed["applications"] if isinstance(listed, dict) else listed
    return [each["sid"] for each in rows]


def sids_of(*rows):
    """List the sids of rows."""
    return [row["sid"] for row in rows]


def test_page_describes_the_whole_in_json(service):
    page = get(service, Page=1, PageSize=1)
    assert list(page) == KEYS
    date = FULL["date_created"].replace(" ", "%20")
    assert {key: page[key] for key in KEYS[:-1]} == {
        "page": 1,
        "num_pages": 4,
        "page_size": 1,
        "total": 4,
        "start": 1,
        "end": 1,
        "uri": f"{PATH}.json?Page=1&PageSize=1",
        "first_page_uri": f"{PATH}.json?Page=0&PageSize=1",
        "previous_page_uri": f"{PATH}.json?Page=0&PageSize=1",
        "next_page_uri": f"{PATH}.json?Page=2&PageSize=1&AfterSid={FULL['sid']}&AfterKey={date}",
        "last_page_uri": f"{PATH}.json?Page=3&PageSize=1",
    }
    assert page["applications"] == get(service)[1:2]


def test_page_describes_the_whole_in_xml(service):
    in_json = get(service, Page=0, PageSize=3)
    reply = service.request("GET", f"{LIST}.xml?Page=0&PageSize=3", CHILD)
    listed = etree.fromstring(reply.data)[0]
    assert list(listed.attrib) == ATTRIBUTES
    expected = {
        name: "" if in_json[key] is None else str(in_json[key]).replace(".json", ".xml")
        for name, key in zip(ATTRIBUTES, KEYS)
    }
    assert dict(listed.attrib) == expected
    assert [each.findtext("Sid") for each in listed] == sids(in_json)


def test_page_is_laid_out_as_the_list(service):
    whole = service.request("GET", f"{LIST}.json", CHILD).text
    page = service.request("GET", f"{LIST}.json?PageSize=9", CHILD).text
    assert page.startswith('{\n  "page": 0,\n  "num_pages": 1,\n')
    assert page.endswith('"applications": ' + whole.replace("\n", "\n  ") + "\n}")
    whole = service.request("GET", LIST, CHILD).text
    page = service.request("GET", f"{LIST}?PageSize=9", CHILD).text
    head, _, rest = page.partition(">\n  <Applications ")
    assert f"{head}>\n  <Applications>{rest.partition('>')[2]}" == whole


def test_page_alone_has_fifty(service):
    assert (get(service, Page=0)["page_size"], sids(get(service, Page=0))) == (50, sids_of(*OWN))


def test_page_of_nothing_is_empty(service):
    page = get(service, PageSize=3, FriendlyName="nobody")
    numbers = [page[key] for key in KEYS[:6]]
    assert numbers == [0, 0, 3, 0, 0, 0]
    assert (page["previous_page_uri"], page["next_page_uri"]) == (None, None)
    assert page["first_page_uri"] == page["last_page_uri"] == page["uri"]
    assert page["applications"] == []
    reply = service.request("GET", f"{LIST}?PageSize=3&FriendlyName=nobody", CHILD)
    assert etree.fromstring(reply.data)[0].attrib["nextpageuri"] == ""


def test_page_beyond_the_last_is_empty_and_leads_back(service):
    page = get(service, PageSize=3, Page=999999999)
    assert [page[key] for key in KEYS[:6]] == [999999999, 2, 3, 4, 2999999997, 2999999997]
    assert (page["applications"], page["next_page_uri"]) == ([], None)
    assert page["previous_page_uri"] == page["last_page_uri"] == f"{PATH}.json?Page=1&PageSize=3"


@pytest.mark.parametrize("suffix", ["", ".json", ".xml"])
def test_links_keep_filters_order_and_suffix(service, suffix):
    query = "FriendlyName=Application%201&Kind=voice&SortBy=DateUpdated:desc&includeNumbers=true"
    target = f"{LIST}{suffix}?PageSize=1&{query}&Unknown=1"
    reply = service.request("GET", target, CHILD, headers={"Accept": "text/json"})
    if suffix == ".xml":
        links = etree.fromstring(reply.data)[0].attrib
        next_page, last_page = links["nextpageuri"], links["lastpageuri"]
    else:
        next_page, last_page = reply.json["next_page_uri"], reply.json["last_page_uri"]
    assert last_page == f"{PATH}{suffix}?{query}&Page=1&PageSize=1"
    assert next_page.startswith(f"{PATH}{suffix}?{query}&Page=1&PageSize=1&AfterSid=AP")


def test_links_keep_only_what_was_read_in_its_one_form(service):
    page = get(service, PageSize="007", Page="00", Kind="VOICE", includeNumbers="TRUE", Unknown=1)
    query = "Kind=voice&includeNumbers=true&Page=0&PageSize=7"
    assert page["uri"] == page["last_page_uri"] == f"{PATH}.json?{query}"
    page = get(service, PageSize=7, includeNumbers="yes", AfterKey="no place")
    assert page["uri"] == f"{PATH}.json?Page=0&PageSize=7"
    # A key that does not fit is not read: the place is looked up.
    target = f"{LIST}.json?PageSize=7&AfterSid={FULL['sid']}&AfterKey=1&AfterKey=2"
    page = service.request("GET", target, CHILD).json
    date = FULL["date_created"].replace(" ", "%20")
    query = f"Page=0&PageSize=7&AfterSid={FULL['sid']}&AfterKey={date}"
    assert page["uri"] == f"{PATH}.json?{query}"


def test_links_name_the_account_by_its_sid(service):
    reply = service.request(
        "GET", f"/Accounts.json/{CHILD['email_address']}/Applications?Page=0", CHILD
    )
    assert reply.json["uri"] == f"{PATH}.json?Page=0&PageSize=50"


def test_pages_list_only_their_numbers(service):
    first = get(service, PageSize=2, includeNumbers="true")
    whole = get(service, includeNumbers="true")
    assert [each.get("numbers") for each in whole] != [None] * 4
    assert first["applications"] + follow(service, first["next_page_uri"])["applications"] == whole
    reply = service.request("GET", f"{LIST}?includeNumbers=true&PageSize=2", CHILD)
    assert len(etree.fromstring(reply.data)[0].findall("Application/Numbers/Number")) == 2


FILTERS = [
    ({"FriendlyName": "Application 1"}, [NAMESAKE, FULL]),
    ({"FriendlyName": "application 1"}, []),
    ({"FriendlyName": "Application 1 "}, []),
    ({"FriendlyName": "Application"}, []),
    ({"FriendlyName": ""}, []),
    ({"FriendlyName": "Application*"}, [NAMESAKE, FULL, BARE]),
    ({"FriendlyName": "application*"}, []),
    ({"FriendlyName": "<&\"é'>"}, [MARKUP]),
    ({"FriendlyName": '<&"é*'}, [MARKUP]),
    ({"FriendlyName": '<&"e*'}, []),
    ({"FriendlyName": "*"}, OWN),
    ({"FriendlyName": "%*"}, []),
    ({"FriendlyName": "Application_1"}, []),
    ({"FriendlyName": "A*1"}, []),
    ({"Kind": "voice"}, [NAMESAKE, FULL]),
    ({"Kind": "USSD"}, [MARKUP]),
    ({"Kind": "sms"}, []),
    ({"Kind": "voice", "FriendlyName": "Application 1*"}, [NAMESAKE, FULL]),
    ({"Kind": "ussd", "FriendlyName": "Application 1*"}, []),
]


@pytest.mark.parametrize("parameters, expected", FILTERS)
def test_list_filters(service, parameters, expected):
    assert sids(get(service, **parameters)) == sids_of(*expected)
    page = get(service, PageSize=50, **parameters)
    assert (sids(page), page["total"]) == (sids_of(*expected), len(expected))


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "*", "[", "?", "'", "\U0001f600"])
def test_list_takes_wildcards_in_names_literally(service, wildcard):
    rows = [
        application_row(20, CHILD, friendly_name=f"a{wildcard}b"),
        application_row(21, CHILD, friendly_name="axb"),
        application_row(22, CHILD, friendly_name=f"a{wildcard}{wildcard}"),
    ]
    service.insert({"restcomm_applications": rows})
    named = sids(get(service, FriendlyName=f"a{wildcard}b"))
    begun = sids(get(service, FriendlyName=f"a{wildcard}*"))
    assert (named, begun) == (sids_of(rows[0]), sids_of(rows[0], rows[2]))


ORDERS = [
    ("DateCreated", [NAMESAKE, FULL, BARE, MARKUP]),
    ("DateCreated:asc", [NAMESAKE, FULL, BARE, MARKUP]),
    ("DateCreated:desc", [MARKUP, BARE, FULL, NAMESAKE]),
    ("DateUpdated", [FULL, BARE, NAMESAKE, MARKUP]),
    ("DateUpdated:desc", [MARKUP, NAMESAKE, BARE, FULL]),
    ("FriendlyName", [MARKUP, NAMESAKE, FULL, BARE]),
    ("FriendlyName:desc", [BARE, FULL, NAMESAKE, MARKUP]),
]


@pytest.mark.parametrize("order, expected", ORDERS)
def test_list_sorts(service, order, expected):
    assert sids(get(service, SortBy=order)) == sids_of(*expected)
    by_number = [sids(get(service, SortBy=order, PageSize=1, Page=n))[0] for n in range(4)]
    assert by_number == sids_of(*expected)


@pytest.mark.parametrize("order", [order for order, _ in ORDERS])
@pytest.mark.parametrize("filters", [{}, {"Kind": "voice"}, {"FriendlyName": "name *"}])
def test_walk_by_links_is_the_list(service, order, filters):
    drawn = random.Random(order)
    rows = [
        application_row(
            number,
            CHILD,
            # Few of each, so that most of a page shares its place but for the sid.
            date_created=f"2020-01-0{drawn.randint(1, 3)} 00:00:00",
            date_updated=f"2020-01-0{drawn.randint(1, 3)} 00:00:00.5",
            friendly_name=f"name {drawn.randint(1, 3)}",
            kind=drawn.choice(["voice", "sms", None]),
        )
        for number in range(100, 140)
    ]
    service.insert({"restcomm_applications": rows})
    whole = get(service, SortBy=order, **filters)
    page = get(service, SortBy=order, PageSize=7, **filters)
    walked = page["applications"]
    while page["next_page_uri"]:
        number = page["page"] + 1
        page = follow(service, page["next_page_uri"])
        assert (page["page"], page["start"]) == (number, 7 * number)
        assert page["end"] == page["start"] + len(page["applications"]) - 1
        walked += page["applications"]
    assert walked == whole
    assert (page["total"], page["num_pages"]) == (len(whole), number + 1)


def test_walk_goes_on_after_its_place_was_removed(service):
    page = get(service, PageSize=2)
    service.request("DELETE", f"{LIST}/{FULL['sid']}", CHILD)
    page = follow(service, page["next_page_uri"])
    assert (sids(page), page["total"], page["start"]) == (sids_of(BARE, MARKUP), 3, 1)


def test_after_sid_alone_begins_after_that_application(service):
    page = get(service, AfterSid=FULL["sid"], PageSize=1)
    assert (sids(page), page["page"], page["start"], page["total"]) == (sids_of(BARE), 2, 2, 4)
    page = get(service, AfterSid=FULL["sid"], SortBy="FriendlyName:desc")
    assert (sids(page), page["page_size"]) == (sids_of(NAMESAKE, MARKUP), 50)


REFUSED = [
    ({"Page": "-1"}, "Page must be a number from 0 to 999999999"),
    ({"Page": ""}, "Page must be a number from 0 to 999999999"),
    ({"Page": "1e3"}, "Page must be a number from 0 to 999999999"),
    ({"Page": "\u0661"}, "Page must be a number from 0 to 999999999"),
    ({"Page": "9" * 10}, "Page must be a number from 0 to 999999999"),
    ({"PageSize": "0"}, "PageSize must be a number from 1 to 1000"),
    ({"PageSize": "1001"}, "PageSize must be a number from 1 to 1000"),
    ({"PageSize": "all"}, "PageSize must be a number from 1 to 1000"),
    ({"AfterSid": "AP1"}, "AfterSid must be the sid of an application"),
    ({"AfterSid": "AP" + "9" * 32}, "AfterSid must name an application of the account"),
    ({"AfterSid": PARENTS["sid"]}, "AfterSid must name an application of the account"),
    ({"Kind": "fax"}, "Kind must be voice, sms or ussd"),
    ({"Kind": ""}, "Kind must be voice, sms or ussd"),
    *(
        (
            {"SortBy": order},
            "SortBy must be DateCreated, DateUpdated, FriendlyName, each alone or with :asc or "
            ":desc",
        )
        for order in (
            "",
            "Sid",
            "DateCreated:",
            "DateCreated:down",
            "datecreated",
            "DateCreated,Sid",
        )
    ),
]


@pytest.mark.parametrize("parameters, message", REFUSED)
@pytest.mark.parametrize("suffix", [".json", ".xml"])
def test_list_refuses_a_value_by_name(service, parameters, message, suffix):
    reply = service.request("GET", f"{LIST}{suffix}?{urlencode(parameters)}", CHILD)
    assert reply.status_code == 400
    if suffix == ".json":
        assert (reply.json["code"], reply.json["message"]) == (21402, message)
    else:
        assert etree.fromstring(reply.data).findtext("*/Message") == message


def test_walk_while_others_write_misses_none_and_repeats_none(make_gunicorn, service):
    standing = [
        application_row(
            number,
            CHILD,
            sid=f"AP{number * 7919 % 100003:032x}",
            date_created="2020-01-01 00:00:00",
        )
        for number in range(1000, 1300)
    ]
    service.insert({"restcomm_applications": standing})
    gunicorn = make_gunicorn(workers=2).start()
    walked = Event()

    def write(number):
        """Create applications and remove them again until the walks are done."""
        created = []
        writes = 0
        drawn = random.Random(number)
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            while not walked.is_set():
                if len(created) < 10:
                    status, body = client.request("POST", LIST, {"FriendlyName": "passing"})
                    created.append(body["sid"])
                else:
                    sid = created.pop(drawn.randrange(10))
                    status, _ = client.request("DELETE", f"{LIST}/{sid}")
                assert status in (200, 204)
                writes += 1
        return writes

    def walk(order):
        """Follow the links of one walk to its end; give the sids in order."""
        found = []
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            target = f"{LIST}.json?PageSize=5&SortBy={order}"
            while target:
                status, page = client.request("GET", target)
                assert status == 200
                found += sids(page)
                target = (page["next_page_uri"] or "").removeprefix(BASE)
        return found

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(2)]
        try:
            walks = list(pool.map(walk, ("DateCreated", "DateCreated:desc", "FriendlyName")))
        finally:
            walked.set()
        assert all(writer.result() > 20 for writer in writers)
    for found in walks:
        assert len(found) == len(set(found))
        assert {row["sid"] for row in standing} <= set(found)
