"""POST …/Applications/Bulk: many applications created, updated and removed, all or nothing."""

import csv
import io
import json
import time
from contextlib import closing

import pytest

from restcomm_apps.resources.applications import bulk, row_formats
from restcomm_apps.store.service_models import IdempotentReply

from ..support.databases import connect_directly, refuse
from ..support.documentation import blocks, read, table_after
from ..support.rows import (
    BARE,
    CHILD,
    FULL,
    GRANDCHILDS,
    MARKUP,
    NAMESAKE,
    PARENT,
    STRANGER,
    STRANGERS,
    TABLES,
    account_row,
    application_row,
)

LIST = f"/Accounts/{CHILD['sid']}/Applications"
BULK = f"{LIST}/Bulk"
NDJSON = "application/x-ndjson"
UNKNOWN = f"AP{99:032d}"


def lines(*rows):
    """Write rows as JSON Lines; a text is a line as it stands."""
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


def post(service, body, media_type=NDJSON, account=CHILD, path=f"{BULK}.json", headers=None):
    """Send a bulk."""
    return service.request("POST", path, account, headers, data=body, content_type=media_type)


def listed(service, account=CHILD):
    """Read the account's applications, {sid: application}."""
    path = f"/Accounts/{account['sid']}/Applications.json"
    return {each["sid"]: each for each in service.request("GET", path, account).get_json()}


def check_refusal(service, body, status, code, message, **options):
    """Assert that a bulk is refused with this error and changes nothing."""
    before = service.dump()
    reply = post(service, body, **options)
    error = reply.get_json()
    assert (reply.status_code, error["code"], error["message"]) == (status, code, message)
    assert service.dump() == before


def test_bulk_that_leaves_more_than_memory_should_hold_is_refused(service):
    urls = [application_row(n, CHILD, rcml_url="/" + "x" * 7999) for n in range(1000, 1600)]
    service.insert({"restcomm_applications": urls})
    body = lines(*({"Sid": row["sid"], "Kind": "sms"} for row in urls))
    message = (
        "The rows before must be a bulk of their own: together the applications have more than "
    )
    check_refusal(service, body, 400, 20400, f"Line 525: {message}4 MiB of RcmlUrls")
    assert post(service, body[: body.index("\n", 30_000)]).status_code == 200


@pytest.mark.parametrize("media_type", [NDJSON, "text/csv"])
def test_bulk_of_too_many_lines_is_refused(service, media_type):
    message = "The body must not hold more than 100000 lines"
    body = "FriendlyName\n" + "\n" * 100_000
    check_refusal(service, body, 400, 20400, message, media_type=media_type)


def test_closing_removes_more_applications_than_are_read_at_once(service):
    rows = [application_row(n, CHILD) for n in range(1000, 2200)]
    service.insert({"restcomm_applications": rows})
    assert service.request("DELETE", f"/Accounts/{CHILD['sid']}", PARENT).status_code == 204
    left = service.dump()["restcomm_applications"]
    assert not [row for row in left if CHILD["sid"] in row]


def test_bulk_creates_updates_and_removes(service):
    reply = post(
        service,
        lines(
            {"FriendlyName": "New", "Kind": "SMS", "RcmlUrl": "/new", "VoiceCallerIdLookup": True},
            {"Sid": BARE["sid"], "FriendlyName": "Renamed"},
            "",
            {"Sid": FULL["sid"], "Action": "remove"},
            {"Action": "create", "FriendlyName": "New", "HasVoiceCallerIdLookup": "TRUE"},
        ),
    )
    assert reply.status_code == 200
    outcome = reply.get_json()
    assert list(outcome) == ["created", "updated", "removed", "applications"]
    assert (outcome["created"], outcome["updated"], outcome["removed"]) == (2, 1, 1)
    shown = outcome["applications"]
    assert [each["friendly_name"] for each in shown] == ["New", "Renamed", "New"]
    assert (shown[0]["kind"], shown[0]["rcml_url"]) == ("sms", "/new")
    assert shown[0]["voice_caller_id_lookup"] is shown[2]["voice_caller_id_lookup"] is True
    assert shown[1]["sid"] == BARE["sid"]
    assert shown[1]["date_updated"] == shown[0]["date_created"] != shown[1]["date_created"]
    now = listed(service)
    assert now.keys() == {NAMESAKE["sid"], MARKUP["sid"], *(each["sid"] for each in shown)}
    assert [now[each["sid"]] for each in shown] == shown
    numbers = service.dump()["restcomm_incoming_phone_numbers"]
    assert not any(FULL["sid"] in row for row in numbers)


@pytest.mark.parametrize(
    "path", [BULK, f"{BULK}.xml", f"/Accounts/{CHILD['email_address']}//Applications/Bulk/"]
)
def test_bulk_in_xml(service, path):
    body = lines({"Sid": BARE["sid"], "Kind": "sms"}, {"Sid": FULL["sid"], "Action": "remove"})
    reply = post(service, body, path=path)
    assert reply.text.startswith(
        "<RestcommResponse>\n  <Bulk>\n    <Created>0</Created>\n    <Updated>1</Updated>\n"
        "    <Removed>1</Removed>\n    <Applications>\n      <Application>\n"
        f"        <Sid>{BARE['sid']}</Sid>\n"
    )


def test_bulk_in_csv(service):
    body = (
        "Action,Sid,FriendlyName,RcmlUrl,Kind\r\n"
        ',,"two\nlines, ""quoted""",/a?b=1,\r\n'
        f",{BARE['sid']},,,USSD\r\n"
        "\r\n"
        f"remove,{FULL['sid']},,,\r\n"
    )
    outcome = post(service, body, "text/csv").get_json()
    assert [outcome[key] for key in ("created", "updated", "removed")] == [1, 1, 1]
    new, changed = outcome["applications"]
    assert (new["friendly_name"], new["rcml_url"]) == ('two\nlines, "quoted"', "/a?b=1")
    assert "kind" not in new
    assert (changed["friendly_name"], changed["kind"]) == (BARE["friendly_name"], "ussd")


@pytest.mark.parametrize(
    "text, media_type",
    [
        ("\ufeffFriendlyName\r\né€\r\n".encode(), "text/csv"),
        ("FriendlyName\né€\n".encode(), "text/csv; charset=utf-8"),
        ("FriendlyName\ré€\r".encode("windows-1252"), "text/csv; charset=windows-1252"),
        ('{"FriendlyName": "é€"}'.encode(), "application/jsonl"),
        (b'\r\n  {"friendly_name": "\\u00e9\\u20ac"}\r\n', "application/jsonlines"),
    ],
)
def test_bulk_reads_each_media_type_and_charset(service, text, media_type):
    (created,) = post(service, text, media_type).get_json()["applications"]
    assert created["friendly_name"] == "é€"


@pytest.mark.parametrize(
    "media_type", [None, "application/x-www-form-urlencoded", "application/json", "text/plain"]
)
def test_bulk_of_another_media_type_is_told_which(service, media_type):
    check_refusal(
        service,
        lines({"FriendlyName": "New"}),
        415,
        20415,
        "The body must be application/x-ndjson, application/jsonl, application/jsonlines "
        "or text/csv",
        media_type=media_type,
    )


def test_bulk_in_another_charset_is_refused(service):
    message = "The charset must be UTF-8, ISO-8859-1 or Windows-1252"
    check_refusal(service, "", 415, 20415, message, media_type="text/csv; charset=utf-16")


def test_list_is_fed_back_edited(service):
    before = listed(service)
    rows = [row | {"kind": "ussd"} for row in before.values()]
    outcome = post(service, lines(*rows)).get_json()
    assert (outcome["updated"], len(outcome["applications"])) == (4, 4)
    for application in listed(service).values():
        dates = {"date_updated": application["date_updated"]}
        assert application == before[application["sid"]] | {"kind": "ussd"} | dates


def test_list_with_numbers_is_fed_back(service):
    rows = service.request("GET", f"{LIST}.json?includeNumbers=true", CHILD).get_json()
    assert any("numbers" in row for row in rows)
    assert post(service, lines(*rows)).get_json()["updated"] == 4


def test_csv_list_is_fed_back_to_the_letter(service):
    names = [
        "=1+1",
        "'=1",
        "''=1",
        "'+x",
        "'plain",
        "@a",
        "\tx",
        "-1",
        'a,"b"',
        "x\r\ny",
        "ü\U0001f600",
    ]
    rows = [application_row(50 + n, CHILD, friendly_name=name) for n, name in enumerate(names)]
    service.insert({"restcomm_applications": rows})
    before = listed(service)
    text = service.request("GET", f"{LIST}.csv", CHILD).text
    outcome = post(service, text.encode(), "text/csv").get_json()
    assert outcome["updated"] == len(before) == len(names) + 4
    for sid, application in listed(service).items():
        assert application == before[sid] | {"date_updated": application["date_updated"]}
    by_sid = {row["sid"]: row["friendly_name"] for row in rows}
    shown = {each["sid"]: each["friendly_name"] for each in outcome["applications"]}
    assert {sid: shown[sid] for sid in by_sid} == by_sid


def test_null_clears_on_update_and_is_nothing_on_create(service):
    body = lines(
        {"Sid": FULL["sid"], "Kind": None, "RcmlUrl": None},
        {"Sid": None, "Action": None, "FriendlyName": "New", "Kind": None, "RcmlUrl": None},
    )
    changed, created = post(service, body).get_json()["applications"]
    assert "kind" not in changed and changed["rcml_url"] == ""
    assert "kind" not in created and "rcml_url" not in created


def test_update_of_nothing_leaves_the_date(service):
    (application,) = post(service, lines({"Sid": FULL["sid"]})).get_json()["applications"]
    assert application["date_updated"] == "Wed, 1 Jun 2016 10:00:00 +0000"


RULE = (
    "one of Action, Sid, FriendlyName, VoiceCallerIdLookup, HasVoiceCallerIdLookup, RcmlUrl, Kind, "
    "ApiVersion"
)
REFUSED = {
    "kind": ({"FriendlyName": "x", "Kind": "fax"}, 400, 21402, "Kind must be voice, sms or ussd"),
    "name": ({"Kind": "sms"}, 400, 21401, "FriendlyName is required"),
    "null name": (
        {"Sid": FULL["sid"], "FriendlyName": None},
        400,
        21402,
        "FriendlyName must have 1 to 64 characters",
    ),
    "number": ({"FriendlyName": 5}, 400, 21402, "FriendlyName must be a text"),
    "flag": ({"FriendlyName": True}, 400, 21402, "FriendlyName must be a text"),
    "object": ({"FriendlyName": {"a": "b"}}, 400, 21402, "FriendlyName must be a text"),
    "half a character": (
        {"FriendlyName": "x", "RcmlUrl": "/\ud800"},
        400,
        21402,
        "RcmlUrl must hold only characters that the database can store",
    ),
    "version": (
        {"FriendlyName": "x", "ApiVersion": "1"},
        400,
        21402,
        "ApiVersion must be 2012-04-24",
    ),
    "misspelled": (
        {"FriendlyName": "x", "RcmUrl": "/x"},
        400,
        21402,
        f"'RcmUrl' must be {RULE}",
    ),
    "hostile name": (
        {"FriendlyName": "x", "\n\ud800é" + "x" * 99: "/x"},
        400,
        21402,
        f"'\\n\\ud800\\xe9{'x' * 37}' must be {RULE}",
    ),
    "two spellings": (
        {"FriendlyName": "x", "friendly_name": "x"},
        400,
        21402,
        "FriendlyName must be sent once",
    ),
    "name twice": (
        '{"FriendlyName": "x", "Kind": "sms", "Kind": "sms"}',
        400,
        21402,
        "Kind must be sent once",
    ),
    "lookups": (
        {"FriendlyName": "x", "VoiceCallerIdLookup": True, "HasVoiceCallerIdLookup": "false"},
        400,
        21402,
        "HasVoiceCallerIdLookup must agree with VoiceCallerIdLookup when both are sent",
    ),
    "action": (
        {"FriendlyName": "x", "Action": "drop"},
        400,
        21402,
        "Action must be create, update or remove",
    ),
    "create with sid": (
        {"FriendlyName": "x", "Action": "create", "Sid": FULL["sid"]},
        400,
        21402,
        "Sid must be left out where an application is created",
    ),
    "update without sid": (
        {"FriendlyName": "x", "Action": "Update"},
        400,
        21401,
        "Sid is required",
    ),
    "remove without sid": ({"Action": "remove"}, 400, 21401, "Sid is required"),
    "same sid": (
        {"Sid": BARE["sid"], "Action": "remove"},
        400,
        21402,
        "Sid must not be that of line 1 again",
    ),
    "empty sid": ({"Sid": "", "Kind": "sms"}, 404, 20404, "Nothing was found at this address"),
    "unknown sid": (
        {"Sid": UNKNOWN, "Kind": "sms"},
        404,
        20404,
        "Nothing was found at this address",
    ),
    "unknown sid to remove": (
        {"Sid": UNKNOWN, "Action": "remove"},
        404,
        20404,
        "Nothing was found at this address",
    ),
    "foreign sid": (
        {"Sid": STRANGERS["sid"], "Action": "remove"},
        403,
        20006,
        "The account may not do this",
    ),
    "child's sid": (
        {"Sid": GRANDCHILDS["sid"], "Kind": "sms"},
        403,
        20006,
        "The account may not do this",
    ),
    "no object": ("[1]", 400, 20400, "The line must be a JSON object"),
    "no JSON": ("{'a': 1}", 400, 20400, "The line must be a JSON object"),
    "deep": ("[" * 100_000, 400, 20400, "The line must be a JSON object"),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_refused_row_names_its_line_and_nothing_changes(service, refused):
    row, status, code, message = REFUSED[refused]
    body = lines({"Sid": BARE["sid"], "Kind": "sms"}, {"FriendlyName": "New"}, "", row)
    check_refusal(service, body, status, code, f"Line 4: {message}")


CSV_REFUSED = {
    "cells": (
        "FriendlyName,Kind\r\nx,sms\r\ny\r\n",
        3,
        20400,
        "The row must have 2 cells, as the header has",
    ),
    "quote": ('FriendlyName\n"x"y\n', 2, 20400, "The row must be CSV as in RFC 4180"),
    "open quote": (
        'FriendlyName\nx\n"two\nlines\n',
        3,
        20400,
        "The row must be CSV as in RFC 4180",
    ),
    "long cell": ("FriendlyName\n" + "x" * 200_000, 2, 20400, "The row must be CSV as in RFC 4180"),
    "after two lines": (
        'FriendlyName,Kind\n"a\nb",sms\n\nc,fax\n',
        5,
        21402,
        "Kind must be voice, sms or ussd",
    ),
    "column": (
        "FriendlyName;Kind\nx;sms\n",
        1,
        21402,
        f"'FriendlyName;Kind' must be {RULE}",
    ),
    "column twice": (
        "FriendlyName,FriendlyName\nx,y\n",
        1,
        21402,
        "FriendlyName must be sent once",
    ),
    "bytes": (b"FriendlyName\nx\n\xe9\n", 3, 20400, "The text must be UTF-8"),
}


@pytest.mark.parametrize("refused", CSV_REFUSED)
def test_refused_csv_names_its_line_and_nothing_changes(service, refused):
    body, line, code, message = CSV_REFUSED[refused]
    check_refusal(service, body, 400, code, f"Line {line}: {message}", media_type="text/csv")


@pytest.mark.parametrize(
    "body, media_type",
    [("", NDJSON), ("\n \n", NDJSON), ("", "text/csv"), ("FriendlyName\r\n", "text/csv")],
)
def test_bulk_of_nothing_is_refused(service, body, media_type):
    message = "There must be at least one row"
    check_refusal(service, body, 400, 20400, message, media_type=media_type)


def test_bulk_of_too_many_rows_is_refused(service):
    body = '{"Action":"x"}\n' * (row_formats.MOST_ROWS + 1)
    # The first line is wrong, but read before it is judged: so the rows are counted as they come.
    check_refusal(service, body, 400, 21402, "Line 1: Action must be create, update or remove")
    body = '{"FriendlyName":"x"}\n' * (row_formats.MOST_ROWS + 1)
    check_refusal(
        service, body, 400, 20400, "Line 10001: The body must not hold more than 10000 rows"
    )


def test_bulk_larger_than_a_body_may_be_is_refused(make_service):
    service = make_service(MAX_BODY_BYTES="2048")
    service.insert(TABLES)
    body = lines(*[{"FriendlyName": "x" * 20}] * 60)
    check_refusal(service, body, 413, 20413, "The body must not exceed 2048 bytes")


def test_fault_in_a_later_row_takes_all_back(service, database_url):
    with closing(connect_directly(database_url)) as connection:
        refuse(connection, "DELETE", "restcomm_applications")
    body = lines({"FriendlyName": "New"}, {"Sid": FULL["sid"], "Action": "remove"})
    check_refusal(
        service, body, 500, 20500, "The service failed to answer; the cause is in its log"
    )


ROLES = (
    "Maker=RestComm:Create:Applications; Changer=RestComm:Modify:Applications; "
    "Reader=RestComm:Read:Applications"
)
CREATE, UPDATE = {"FriendlyName": "New"}, {"Sid": FULL["sid"], "Kind": "sms"}
REMOVE = {"Sid": BARE["sid"], "Action": "remove"}


@pytest.mark.parametrize(
    "role, rows, refused_line",
    [
        ("Maker", [CREATE, CREATE], None),
        ("Maker", [CREATE, UPDATE, REMOVE], 2),
        ("Maker", [CREATE, REMOVE], 2),
        ("Changer", [UPDATE, REMOVE], None),
        ("Changer", [UPDATE, REMOVE, CREATE], 3),
        ("Developer", [CREATE, UPDATE, REMOVE], None),
    ],
)
def test_bulk_needs_what_its_rows_need(make_service, role, rows, refused_line):
    service = make_service(ROLES=ROLES)
    service.insert(TABLES | {"restcomm_accounts": [PARENT, CHILD | {"role": role}]})
    if refused_line is None:
        assert post(service, lines(*rows)).status_code == 200
    else:
        message = f"Line {refused_line}: The account may not do this"
        check_refusal(service, lines(*rows), 403, 20006, message)


def test_bulk_of_a_reader_is_refused_before_its_rows_are_read(make_service):
    service = make_service(ROLES=ROLES)
    service.insert(TABLES | {"restcomm_accounts": [PARENT, CHILD | {"role": "Reader"}]})
    check_refusal(service, "nonsense", 403, 20006, "The account may not do this")


def test_bulk_on_other_accounts(make_service):
    for access, status in (("owner", 403), ("lineage", 200)):
        service = make_service(ACCESS=access)
        service.insert(TABLES)
        assert post(service, lines(CREATE, UPDATE), account=PARENT).status_code == status
    for stranger in (STRANGER, account_row("nobody")):
        path = f"/Accounts/{stranger['sid']}/Applications/Bulk.json"
        check_refusal(service, lines(CREATE), 403, 20006, "The account may not do this", path=path)
    assert post(service, lines(CREATE), account=None).status_code == 401


@pytest.mark.parametrize("setting", ["unbind", "leave"])
def test_bulk_removal_frees_what_points_there(make_service, setting):
    service = make_service(ON_REMOVE=setting)
    service.insert(TABLES)
    removed = {FULL["sid"], BARE["sid"]}
    body = lines(*({"Sid": sid, "Action": "remove"} for sid in removed))
    assert post(service, body).get_json()["removed"] == 2
    rows = service.dump()
    for table in ("restcomm_incoming_phone_numbers", "restcomm_clients"):
        pointed = {cell for row in rows[table] for cell in row} & removed
        assert pointed == (set() if setting == "unbind" else removed)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("suffix", ["", ".json", ".xml"])
def test_bulk_allows_post_alone(service, method, suffix):
    reply = service.request(method, BULK + suffix, CHILD)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "OPTIONS, POST")


def test_options_of_bulk(service):
    assert set(service.request("OPTIONS", BULK).headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_sent_again_with_a_key_gives_the_first_answer(service):
    body = lines(CREATE, {"Sid": BARE["sid"], "Action": "remove"})
    key = {"Idempotency-Key": "a"}
    first = post(service, body, headers=key)
    before = service.dump()
    again = post(service, body, headers=key)
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert post(service, body + "\n", headers=key).status_code == 422
    assert post(service, "Kind", "text/csv", headers=key).status_code == 422
    assert service.dump() == before


def test_refused_bulk_keeps_no_key(service):
    body = lines(CREATE, {"FriendlyName": "x", "Kind": "fax"})
    check_refusal(
        service,
        body,
        400,
        21402,
        "Line 2: Kind must be voice, sms or ussd",
        headers={"Idempotency-Key": "a"},
    )
    assert IdempotentReply.select().count() == 0


def test_documented_rows_are_applied(service):
    (rows,) = blocks(read("docs/bulk.md"), "text")
    outcome = post(service, rows).get_json()
    assert [outcome[key] for key in ("created", "updated", "removed")] == [1, 1, 1]
    documented = {row[0].strip("`") for row in table_after(read("docs/bulk.md"), "| field")}
    names = set(", ".join(documented).replace("`", "").replace(" or ", ", ").split(", "))
    assert names == set(bulk.NAMES.values())
    assert f"At most {row_formats.MOST_ROWS} rows" in read("docs/bulk.md")


def test_five_thousand_rows(service):
    names = [f"Application {number}" for number in range(5000)]
    text = io.StringIO()
    csv.writer(text).writerows(
        [["FriendlyName", "Kind", "RcmlUrl"], *([name, "sms", "/x"] for name in names)]
    )
    began = time.monotonic()
    created = post(
        service, text.getvalue(), "text/csv", headers={"Idempotency-Key": "a"}
    ).get_json()
    assert [each["friendly_name"] for each in created["applications"]] == names
    sids = [each["sid"] for each in created["applications"]]
    updated = post(service, lines(*({"Sid": sid, "Kind": "ussd"} for sid in sids))).get_json()
    assert [each["sid"] for each in updated["applications"]] == sids
    assert {each["kind"] for each in updated["applications"]} == {"ussd"}
    removed = post(service, lines(*({"Sid": sid, "Action": "remove"} for sid in sids))).get_json()
    assert removed == {"created": 0, "updated": 0, "removed": 5000, "applications": []}
    assert len(listed(service)) == 4
    # A writer waits 30 seconds for another; one request must leave others their turn.
    assert time.monotonic() - began < 3 * 30
