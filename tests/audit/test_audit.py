"""The audit trail: what is kept of each change, who may read it, how states are brought back."""

import csv
import io
import json
import logging
import os
import pwd
import re
from contextlib import closing

import pytest

from restcomm_apps.audit import trail as changes
from restcomm_apps.audit.verification import check_trail
from restcomm_apps.store.models import Account, Application
from restcomm_apps.store.service_models import Change, ChangeHead

from ..support.command_line import check_mistake, run, succeed
from ..support.databases import connect_directly, refuse
from ..support.documentation import blocks, read
from ..support.rows import BARE, CHILD, FULL, GRANDCHILD, PARENT, STRANGER, STRANGERS
from ..support.together import run_together

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
USER = pwd.getpwuid(os.getuid()).pw_name
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def entries(**columns):
    """List the changes that have these columns, with their properties parsed."""
    found = Change.select().order_by(Change.account_sid, Change.sequence)
    found = list(found.filter(**columns) if columns else found)
    for change in found:
        change.properties = json.loads(change.properties)
    return found


def shown(service, path, account=CHILD):
    """Read the changes of an application in JSON, as (action, {name: (from, to)})."""
    reply = service.request("GET", f"{path}/Changes.json", account)
    assert reply.status_code == 200
    return [
        (each["action"], {p["name"]: (p.get("from"), p.get("to")) for p in each["properties"]})
        for each in reply.json
    ]


def test_create_is_kept_with_all_columns(service):
    reply = service.request(
        "POST", f"{LIST}.json", CHILD, {"X-Request-ID": "mine"}, data={"FriendlyName": "<é>"}
    )
    (change,) = entries()
    sid = reply.json["sid"]
    assert (change.account_sid, change.sequence, change.action) == (CHILD["sid"], 1, "create")
    assert (change.resource_sid, change.effective_account_sid) == (sid, CHILD["sid"])
    assert (change.address, change.operator, change.request_id) == ("127.0.0.1", None, "mine")
    assert re.fullmatch(MOMENT, change.changed_at)
    created = change.properties.pop("date_created")
    assert created[0] is None and created[1][:10] == change.changed_at[:10]
    assert change.properties == {
        "sid": [None, sid],
        "friendly_name": [None, "<é>"],
        "account_sid": [None, CHILD["sid"]],
        "api_version": [None, "2012-04-24"],
        "voice_caller_id_lookup": [None, False],
        "uri": [None, f"/2012-04-24{LIST}/{sid}"],
    }


def test_update_is_kept_with_what_differs(service):
    service.request("POST", INSTANCE, CHILD, data={"Kind": "", "FriendlyName": "Application 1"})
    (change,) = entries()
    assert (change.action, change.properties) == ("update", {"kind": ["voice", None]})


def test_remove_is_kept_with_what_was_there(service):
    service.request("DELETE", INSTANCE, CHILD)
    (change,) = entries()
    assert change.action == "remove"
    assert change.properties["rcml_url"] == [FULL["rcml_url"], None]
    assert change.properties["sid"] == [FULL["sid"], None]


def test_refused_and_reading_requests_leave_nothing(service):
    service.request("POST", INSTANCE, CHILD, data={"Kind": "fax"})
    service.request("POST", INSTANCE, CHILD, data={})
    service.request("DELETE", INSTANCE, STRANGER)
    service.request("GET", INSTANCE, CHILD)
    assert entries() == []


def test_change_on_behalf_of_a_sub_account_names_both(make_service):
    service = make_service(ACCESS="lineage")
    service.insert({"restcomm_accounts": [PARENT, CHILD], "restcomm_applications": [FULL]})
    service.request("DELETE", INSTANCE, PARENT)
    (change,) = entries()
    assert (change.effective_account_sid, change.account_sid) == (PARENT["sid"], CHILD["sid"])


def test_change_and_trail_are_kept_together_or_not_at_all(service, database_url):
    with closing(connect_directly(database_url)) as connection, connection:
        refuse(connection, "UPDATE", ChangeHead._meta.table_name)
    before = service.dump()
    reply = service.request("PUT", INSTANCE, CHILD, data={"Kind": "sms"})
    assert reply.status_code == 500
    assert service.dump() == before
    assert entries() == []


@pytest.mark.parametrize(
    "sent, taken", [("a-1/b", True), ("", False), ("a b", False), ("x" * 65, False)]
)
def test_request_id_is_told_in_reply_and_trail(service, sent, taken):
    reply = service.request("DELETE", INSTANCE, CHILD, {"X-Request-ID": sent})
    told = reply.headers["X-Request-ID"]
    assert told == sent if taken else re.fullmatch("[0-9a-f]{32}", told)
    assert entries()[0].request_id == told


def test_request_id_ends_the_lines_of_the_log(make_gunicorn):
    gunicorn = make_gunicorn().start()
    _, headers, _ = gunicorn.request("GET", "/Accounts", headers={"X-Request-ID": "find-me"})
    assert headers["X-Request-ID"] == "find-me"
    assert re.search(r"/Accounts'.* \[find-me\]$", gunicorn.log.read_text(), re.MULTILINE)


def test_writers_of_one_account_do_not_fork_its_chain(make_gunicorn, service):
    service.close()
    gunicorn = make_gunicorn(workers=2).start()
    accounts = (CHILD, STRANGER)

    def write(number):
        account = accounts[number % 2]
        path = f"/Accounts/{account['sid']}/Applications"
        return [gunicorn.request("POST", path, account, b"FriendlyName=x")[0] for _ in range(10)]

    assert run_together(8, write) == [[200] * 10] * 8
    assert check_trail().faults == []
    for account in accounts:
        sequences = [each.sequence for each in entries(account_sid=account["sid"])]
        assert sequences == list(range(1, 41))


def test_command_is_kept_with_its_user(service, database_url):
    succeed("add-account", "new@example.com", DATABASE_URL=database_url)
    (change,) = entries()
    assert (change.action, change.operator, change.address) == ("create", USER, None)
    sid = Account.get(email_address="new@example.com").sid
    assert change.account_sid == change.resource_sid == sid
    assert change.properties["auth_token"] == [None, "***"]
    token = Account.get_by_id(change.account_sid).auth_token
    with closing(connect_directly(database_url)) as connection:
        assert token not in str(list(connection.execute("SELECT * FROM restcomm_apps_changes")))


def test_bulk_is_kept_row_by_row(service):
    rows = [
        {"FriendlyName": "new"},
        {"Sid": FULL["sid"], "Kind": "sms"},
        {"Sid": BARE["sid"], "Action": "remove"},
    ]
    body = "\n".join(map(json.dumps, rows))
    headers = {"Content-Type": "application/jsonl"}
    assert service.request("POST", f"{LIST}/Bulk", CHILD, headers, data=body).status_code == 200
    kept = [(change.action, change.sequence) for change in entries()]
    assert kept == [("create", 1), ("update", 2), ("remove", 3)]


def test_closing_is_kept_of_all_that_it_takes_along(service):
    form = {"Status": "closed", "FriendlyName": "ignored"}
    assert service.request("PUT", f"/Accounts/{CHILD['sid']}", PARENT, data=form).status_code == 200
    closed = entries(action="close")
    assert {change.resource_sid for change in closed} == {CHILD["sid"], GRANDCHILD["sid"]}
    assert {change.effective_account_sid for change in closed} == {PARENT["sid"]}
    assert [change.properties for change in closed] == [{"status": ["active", "closed"]}] * 2
    assert {change.action for change in entries(account_sid=CHILD["sid"])} == {"remove", "close"}
    assert check_trail().faults == []


def test_account_and_its_tokens_are_kept_without_secrets(service):
    path = f"/Accounts/{CHILD['sid']}.json"
    for form in (
        {"FriendlyName": "renamed"},
        {"Password": "correct-horse"},
        {"RotateToken": "true"},
        {"PromoteToken": "true"},
    ):
        assert service.request("POST", path, PARENT, data=form).status_code == 200
    masked = {"auth_token": ["***", "***"]}
    assert [change.properties for change in entries()] == [
        {"friendly_name": ["child", "renamed"]},
        masked,
        {"second_token": [None, "***"]},
        masked,
    ]


def test_changed_token_is_masked(service):
    service.request("GET", "/Accounts", CHILD)
    account = Account.get_by_id(CHILD["sid"])
    with Account._meta.database.atomic():
        changes.record(changes.UPDATE, account, {"auth_token": "new", "role": account.role})
    assert entries()[0].properties == {"auth_token": ["***", "***"]}


def test_changes_of_an_application_are_listed_after_its_removal(service):
    service.request("PUT", INSTANCE, CHILD, data={"VoiceCallerIdLookup": "true"})
    service.request("PUT", f"{LIST}/{BARE['sid']}", CHILD, data={"Kind": "sms"})
    service.request("DELETE", INSTANCE, CHILD)
    (updated, was), (removed, _) = shown(service, INSTANCE)
    assert (updated, removed) == ("update", "remove")
    assert was == {"voice_caller_id_lookup": ("false", "true")}
    assert shown(service, f"{LIST}/{BARE['sid']}") == [("update", {"kind": (None, "sms")})]


def test_changes_of_an_application_without_any_are_none(service):
    assert shown(service, INSTANCE) == []
    xml = service.request("GET", f"{INSTANCE}/Changes", CHILD).text
    assert xml == "<RestcommResponse>\n  <Changes/>\n</RestcommResponse>"


@pytest.mark.parametrize(
    "account, path, status",
    [
        (STRANGER, INSTANCE, 403),
        (GRANDCHILD, INSTANCE, 403),
        (CHILD, f"{LIST}/{STRANGERS['sid']}", 403),
        (CHILD, f"{LIST}/AP{'9' * 32}", 404),
        (CHILD, f"{LIST}/nonsense", 404),
        (None, INSTANCE, 401),
    ],
)
def test_changes_of_others_are_not_shown(service, account, path, status):
    service.request("DELETE", INSTANCE, CHILD)
    assert service.request("GET", f"{path}/Changes", account).status_code == status


def test_changes_of_anothers_removed_application_are_not_found(service):
    path = f"/Accounts/{STRANGER['sid']}/Applications/{STRANGERS['sid']}"
    service.request("DELETE", path, STRANGER)
    reply = service.request("GET", f"{LIST}/{STRANGERS['sid']}/Changes", CHILD)
    assert reply.status_code == 404


def test_documentation_shows_a_real_list(service):
    service.request("POST", INSTANCE, CHILD, data={"FriendlyName": "Welcome"})
    header = {"X-Request-ID": "example"}
    service.request("POST", INSTANCE, CHILD, header, data={"FriendlyName": "Reception"})
    text = service.request("GET", f"{INSTANCE}/Changes", CHILD).text + "\n"
    first = text[text.index("    <Change>") : text.index("</Change>") + len("</Change>\n")]
    varying = r"(AC|AP|>)[0-9a-f]{32,64}|\w{3}, \d+ \w{3} \d{4} [\d:]{8}"
    (documented,) = blocks(read("docs/audit.md"), "xml")
    assert re.sub(varying, "", text.replace(first, "")) == re.sub(varying, "", documented)
    answered = service.request("GET", f"{INSTANCE}/Changes.json", CHILD).json[1]
    keys = re.findall("`([a-z_]+)`", read("docs/audit.md").partition("JSON has the same")[2])
    assert [key for key in keys[: keys.index("hash") + 1] if key in answered] == list(answered)


def drop_tables():
    """Take the trail's tables away, as on a database that nobody has run init-db on."""
    for table in (Change, ChangeHead):
        table.drop_table()


def test_service_without_the_tables_warns_once_and_works(make_service, caplog):
    service = make_service()
    service.insert({"restcomm_accounts": [CHILD], "restcomm_applications": [FULL, BARE]})
    drop_tables()
    service.start_anew()
    with caplog.at_level(logging.WARNING):
        assert service.request("PUT", INSTANCE, CHILD, data={"Kind": "sms"}).status_code == 200
        assert service.request("DELETE", INSTANCE, CHILD).status_code == 204
    assert [record.message for record in caplog.records] == [
        'No audit trail is kept: "restcomm-apps init-db" makes its tables'
    ]
    assert service.request("GET", f"{INSTANCE}/Changes", CHILD).status_code == 404
    assert not any(table.table_exists() for table in (Change, ChangeHead))


def test_required_trail_without_the_tables_changes_nothing(make_service, database_url):
    service = make_service(AUDIT="required")
    service.insert({"restcomm_accounts": [CHILD], "restcomm_applications": [FULL]})
    drop_tables()
    service.start_anew()
    before = service.dump()
    assert service.request("DELETE", INSTANCE, CHILD).status_code == 503
    assert service.dump() == before
    outcome = run("serve", "--bind", "127.0.0.1:0", DATABASE_URL=database_url, AUDIT="required")
    check_mistake(outcome, "restcomm-apps init-db")


def test_trail_that_is_off_keeps_nothing(make_service):
    service = make_service(AUDIT="off")
    service.insert({"restcomm_accounts": [CHILD], "restcomm_applications": [FULL]})
    assert service.request("DELETE", INSTANCE, CHILD).status_code == 204
    assert entries() == []


@pytest.mark.parametrize(
    "arguments",
    [("audit", "list"), ("audit", "export"), ("audit", "verify"), ("restore", FULL["sid"])],
)
def test_command_without_the_tables_names_init_db(service, database_url, arguments):
    drop_tables()
    check_mistake(run(*arguments, DATABASE_URL=database_url), "restcomm-apps init-db")


@pytest.fixture
def changed(service):
    """The service after an update and a removal by CHILD and one update by STRANGER."""
    service.request("PUT", INSTANCE, CHILD, data={"FriendlyName": "\x85\u202e", "Kind": "sms"})
    service.request("DELETE", INSTANCE, CHILD)
    path = f"/Accounts/{STRANGER['sid']}/Applications/{STRANGERS['sid']}"
    service.request("PUT", path, STRANGER, data={"Kind": "ussd"})
    return service


def test_list_shows_changes_and_no_control_characters(changed, database_url):
    options = ("--account", CHILD["email_address"])
    output = succeed("audit", "list", *options, DATABASE_URL=database_url)
    heading, updated, removed = output.splitlines()
    assert heading.split()[:4] == ["WHEN", "ACCOUNT", "CHANGE", "ACTION"]
    assert updated.split()[1:5] == [CHILD["sid"], "1", "update", FULL["sid"]]
    assert f"{CHILD['sid']} from 127.0.0.1: " in updated
    assert r'friendly_name "Application 1" -> "\u0085\u202e", kind "voice" -> "sms"' in updated
    assert " remove " in removed


@pytest.mark.parametrize(
    "options, count",
    [
        ((), 3),
        (("--account", STRANGER["sid"]), 1),
        (("--account", "nobody@example.com"), 0),
        (("--application", FULL["sid"]), 2),
        (("--since", "2026-01-01"), 3),
        (("--until", "2016-01-01T00:00:00Z"), 0),
        (("--since", "2099-01-01T10:00:00"), 0),
    ],
)
def test_export_chooses(changed, database_url, options, count):
    exported = succeed("audit", "export", *options, DATABASE_URL=database_url)
    assert len(json.loads(exported)) == count
    exported = succeed("audit", "export", "--format", "csv", *options, DATABASE_URL=database_url)
    assert len(list(csv.DictReader(io.StringIO(exported)))) == count


def test_export_serves_to_verify_later(changed, database_url, tmp_path):
    path = tmp_path / "export.json"
    path.write_text(succeed("audit", "export", DATABASE_URL=database_url))
    succeed("audit", "verify", "--against", path, DATABASE_URL=database_url)
    for table in (Change, ChangeHead):
        table.delete().where(table.account_sid == STRANGER["sid"]).execute()
    code, output, _ = run("audit", "verify", "--against", path, DATABASE_URL=database_url)
    assert (code, output) == (1, f"{STRANGER['sid']}: change 1 is not in the trail any more\n")
    path.write_text("{}]")
    check_mistake(run("audit", "verify", "--against", path, DATABASE_URL=database_url), "--against")


def row_of(sid):
    """Give an application's columns, but DateUpdated."""
    columns = Application.select().where(Application.sid == sid).dicts().get()
    columns.pop("date_updated")
    return {name: str(value) for name, value in columns.items()}


def test_restore_brings_a_removed_application_back(service, database_url):
    before = row_of(FULL["sid"])
    service.request("DELETE", INSTANCE, CHILD)
    output = succeed("restore", FULL["sid"], DATABASE_URL=database_url)
    assert output == f"{FULL['sid']} of {CHILD['sid']} is back: 'Application 1'\n"
    assert row_of(FULL["sid"]) == before
    (_, restored) = entries()
    assert (restored.action, restored.operator, restored.sequence) == ("restore", USER, 2)
    assert check_trail().faults == []


def test_restore_goes_back_to_any_change_and_forth_again(service, database_url):
    states = []
    for form in ({"Kind": "sms"}, {"RcmlUrl": "", "VoiceCallerIdLookup": "true"}, {"Kind": ""}):
        service.request("PUT", INSTANCE, CHILD, data=form)
        states.append(row_of(FULL["sid"]))
    service.request("DELETE", INSTANCE, CHILD)
    for sequence in (2, 1, 3, 2):
        succeed("restore", FULL["sid"], "--at", sequence, DATABASE_URL=database_url)
        assert row_of(FULL["sid"]) == states[sequence - 1]
    assert check_trail().faults == []


def test_restore_of_what_something_else_removed_follows_the_trail(service, database_url):
    sid = service.request("POST", f"{LIST}.json", CHILD, data={"FriendlyName": "x"}).json["sid"]
    service.request("PUT", f"{LIST}/{sid}", CHILD, data={"Kind": "sms"})
    before = row_of(sid)
    Application.delete().execute()
    succeed("restore", sid, DATABASE_URL=database_url)
    assert row_of(sid) == before


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("AP" + "9" * 32,), ["No change of"]),
        ((BARE["sid"],), ["not removed", "--at"]),
        ((BARE["sid"], "--at", "1"), ["Change 1 is none of"]),
        ((BARE["sid"], "--at", "3"), ["like that already"]),
        ((FULL["sid"], "--at", "2"), ["was not there then"]),
        ((FULL["sid"], "--at", "0"), ["--at"]),
        ((STRANGERS["sid"],), ["closed"]),
    ],
    ids=["unknown", "there", "not-its-change", "same", "removed-then", "zero", "closed"],
)
def test_restore_that_cannot_be_says_why(changed, database_url, arguments, words):
    changed.request("PUT", f"{LIST}/{BARE['sid']}", CHILD, data={"Kind": "sms"})
    path = f"/Accounts/{STRANGER['sid']}/Applications/{STRANGERS['sid']}"
    changed.request("DELETE", path, STRANGER)
    Account.update(status="closed").where(Account.sid == STRANGER["sid"]).execute()
    before, kept = changed.dump(), len(entries())
    check_mistake(run("restore", *arguments, DATABASE_URL=database_url), *words)
    assert (changed.dump(), len(entries())) == (before, kept)


def test_restore_of_what_another_account_has_by_now_is_refused(changed, database_url):
    values = {**FULL, "account_sid": STRANGER["sid"]}
    Application.insert(values).execute()
    outcome = run("restore", FULL["sid"], "--at", "1", DATABASE_URL=database_url)
    check_mistake(outcome, f"belongs to {STRANGER['sid']} now")
