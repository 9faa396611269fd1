"""The list of applications as CSV."""

import csv
import io

import pytest

from ..support.rows import BARE, CHILD, FULL, MARKUP, NAMESAKE, STRANGER, application_row
from ..support.service import BASE

LIST = f"/Accounts/{CHILD['sid']}/Applications"
HEADER = (
    "Sid,DateCreated,DateUpdated,FriendlyName,AccountSid,ApiVersion,VoiceCallerIdLookup,Uri,"
    "RcmlUrl,Kind"
)


def read(reply):
    """Read the rows of a reply, each a dict by the names of the header."""
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(reply.text, newline=""), strict=True))


def test_csv_is_the_list(service):
    reply = service.request("GET", f"{LIST}.csv", CHILD)
    rows = read(reply)
    assert [row["Sid"] for row in rows] == [each["sid"] for each in (NAMESAKE, FULL, BARE, MARKUP)]
    lines = reply.text.split("\r\n")
    assert lines[0] == HEADER
    assert lines[4].endswith(
        f',"<&""é\'>",{CHILD["sid"]},2012-04-24,false,{BASE}{LIST}/{MARKUP["sid"]},,ussd'
    )
    assert rows[0]["DateCreated"] == "Sun, 1 May 2016 10:00:00 +0000"
    assert (rows[2]["RcmlUrl"], rows[2]["Kind"]) == ("", "")


def test_csv_of_nothing_is_the_header(service):
    reply = service.request("GET", f"{LIST}.csv?FriendlyName=nobody", CHILD)
    assert reply.data.decode() == f"{HEADER}\r\n"


NAMES = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\tx": "'\tx",
    "\rx": "'\rx",
    "'=1": "''=1",
    "''=1": "'''=1",
    "'a": "'a",
    "a=1": "a=1",
    " =1": " =1",
    'say "a,b"': 'say "a,b"',
    "two\r\nlines": "two\r\nlines",
    "one\nline": "one\nline",
    "ü€\U0001f600": "ü€\U0001f600",
}


def test_csv_holds_any_name_and_no_formula(service):
    rows = [
        application_row(number, STRANGER, friendly_name=name)
        for number, name in enumerate(NAMES, 50)
    ]
    service.insert({"restcomm_applications": rows})
    path = f"/Accounts/{STRANGER['sid']}/Applications.csv"
    shown = [row["FriendlyName"] for row in read(service.request("GET", path, STRANGER))]
    assert shown[1:] == list(NAMES.values())


def test_csv_page_has_its_links_in_a_header(service):
    reply = service.request("GET", f"{LIST}.csv?Page=1&PageSize=1&Kind=voice", CHILD)
    assert [row["Sid"] for row in read(reply)] == [FULL["sid"]]
    path = f"{BASE}{LIST}.csv?Kind=voice"
    assert reply.headers["Link"] == (
        f'<{path}&Page=0&PageSize=1>; rel="first", <{path}&Page=0&PageSize=1>; rel="prev", '
        f'<{path}&Page=1&PageSize=1>; rel="last"'
    )
    reply = service.request("GET", f"{LIST}.csv?PageSize=3", CHILD)
    (link,) = [each for each in reply.headers["Link"].split(", ") if 'rel="next"' in each]
    following = link[1 : link.index(">")].removeprefix(BASE)
    assert [row["Sid"] for row in read(service.request("GET", following, CHILD))] == [MARKUP["sid"]]


@pytest.mark.parametrize(
    "path, media_type",
    [
        (f"{LIST}.csv/", "text/csv"),
        (f"/Accounts/{CHILD['email_address']}/Applications.csv", "text/csv"),
        (f"/Accounts.json/{CHILD['sid']}/Applications.csv", "application/json"),
        (f"/Accounts.xml/{CHILD['sid']}/Applications.csv", "application/xml"),
    ],
)
def test_csv_gives_way_to_other_suffixes(service, path, media_type):
    reply = service.request("GET", path, CHILD, headers={"Accept": "application/json"})
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, media_type)


@pytest.mark.parametrize("path", [f"{LIST}/{FULL['sid']}.csv", "/Accounts.csv", f"{LIST}.csv.csv"])
def test_csv_is_a_suffix_of_the_list_alone(service, path):
    assert service.request("GET", path, CHILD).status_code == 404


@pytest.mark.parametrize(
    "accept, media_type", [(None, "application/xml"), ("text/json", "application/json")]
)
def test_csv_errors_have_the_format_of_accept(service, accept, media_type):
    headers = {"Accept": accept} if accept else {}
    for query, account, status in (("?Page=x", CHILD, 400), ("", STRANGER, 403), ("", None, 401)):
        reply = service.request("GET", f"{LIST}.csv{query}", account, headers=headers)
        assert (reply.status_code, reply.headers["Content-Type"]) == (status, media_type)


def test_csv_refuses_numbers(service):
    reply = service.request("GET", f"{LIST}.csv?includeNumbers=true", CHILD)
    assert reply.status_code == 400
    assert (
        "<Message>includeNumbers must not be true for CSV, which has no numbers</Message>"
        in reply.text
    )


def test_csv_is_no_format_of_what_hangs_on_an_application(service):
    path = f"{LIST}.csv/{FULL['sid']}"
    assert service.request("GET", path, CHILD).headers["Content-Type"] == "application/xml"
    for suffix, media_type in (("", "application/xml"), (".json", "application/json")):
        reply = service.request("GET", f"{path}/Changes{suffix}?Page=0", CHILD)
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, media_type)
        assert ".csv" not in reply.text
