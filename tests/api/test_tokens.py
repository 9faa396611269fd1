"""Changing an account's token while its clients go on, as docs/accounts.md says, and what keeps
tokens secret.
"""

import hashlib
import logging
import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from restcomm_apps.store.models import Account
from restcomm_apps.store.service_models import SecondToken

from ..support.databases import connect_directly
from ..support.rows import CHILD, GRANDCHILD, PARENT, STRANGER, TABLES, account_row
from ..support.service import authorization

PATH = f"/Accounts/{CHILD['sid']}"
ASTERISKS = "*" * 32
CHANGES = ("RotateToken", "PromoteToken", "CancelToken")
both_methods = pytest.mark.parametrize("method", ["POST", "PUT"])


def change(service, name, caller=CHILD, method="POST", path=PATH, **more):
    return service.request(method, f"{path}.json", caller, data={name: "true", **more})


def rotate(service, **options):
    """Give CHILD a second token and return it."""
    reply = change(service, "RotateToken", **options)
    assert reply.status_code == 200
    assert re.fullmatch("[0-9a-f]{32}", reply.json["auth_token"])
    return reply.json["auth_token"]


def opens(service, password, account=CHILD):
    """Tell whether a token or password opens an account, by its sid and by its address."""
    statuses = {
        service.request(
            "GET", f"/Accounts/{account['sid']}", headers=authorization({"sid": name}, password)
        ).status_code
        for name in (account["sid"], account["email_address"])
    }
    assert len(statuses) == 1
    return statuses == {200}


def check_error(reply, status, code, names=""):
    """Assert an error and a text that its message holds."""
    assert (reply.status_code, reply.json["code"]) == (status, code)
    assert names in reply.json["message"]


@both_methods
def test_rotated_token_is_valid_beside_the_first(service, method):
    new = rotate(service, method=method)
    assert new != CHILD["auth_token"]
    assert opens(service, new)
    assert opens(service, CHILD["auth_token"])
    assert opens(service, "child")
    assert not opens(service, hashlib.md5(new.encode()).hexdigest())
    assert not opens(service, new, STRANGER)
    assert Account.get_by_id(CHILD["sid"]).auth_token == CHILD["auth_token"]


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_rotated_token_is_shown_once_and_in_place_of_the_first(service, suffix):
    before = service.request("GET", PATH + suffix, CHILD).data
    reply = service.request("POST", PATH + suffix, CHILD, data={"RotateToken": "TRUE"})
    [second] = SecondToken.select()
    assert reply.data == before.replace(CHILD["auth_token"].encode(), second.token.encode())
    for caller in (CHILD, CHILD | {"auth_token": second.token}):
        assert service.request("GET", PATH + suffix, caller).data == before


def test_promoted_token_takes_the_place_of_the_first(service):
    new = rotate(service)
    shown = change(service, "PromoteToken").json
    assert shown["auth_token"] == new
    assert opens(service, new)
    assert not opens(service, CHILD["auth_token"])
    assert not opens(service, "child")
    assert SecondToken.select().count() == 0
    assert rotate(service, caller=CHILD | {"auth_token": new}) != new


def test_cancelled_token_leaves_the_first(service):
    new = rotate(service)
    before = service.request("GET", f"{PATH}.json", CHILD).data
    assert change(service, "CancelToken").data == before
    assert not opens(service, new)
    assert opens(service, CHILD["auth_token"])


def test_second_rotation_is_a_conflict_and_ends_no_token(service):
    new = rotate(service)
    before = service.dump()
    check_error(change(service, "RotateToken"), 409, 20009, "promote or cancel")
    assert service.dump() == before
    assert opens(service, new)


@pytest.mark.parametrize("name", ["PromoteToken", "CancelToken"])
def test_change_without_a_second_token_is_a_conflict(service, name):
    before = service.dump()
    check_error(change(service, name), 409, 20009, "no second token")
    assert service.dump() == before


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    "more",
    [
        {"Password": "pass word"},
        {"FriendlyName": "x"},
        {"Status": "closed"},
        {"RotateToken": "true", "PromoteToken": "true"},
        {"PromoteToken": "true", "CancelToken": "true"},
    ],
)
def test_change_beside_another_is_refused(service, name, more):
    before = service.dump()
    check_error(change(service, name, **more), 400, 21402, "Token")
    assert service.dump() == before


@pytest.mark.parametrize("name", CHANGES)
def test_change_that_is_not_true_does_nothing_or_is_refused(service, name):
    before = service.dump()
    asked = service.request("POST", f"{PATH}.json", CHILD, data={name: "false"})
    assert asked.json["auth_token"] == CHILD["auth_token"]
    check_error(service.request("POST", f"{PATH}.json", CHILD, data={name: "1"}), 400, 21402, name)
    assert service.dump() == before


@pytest.mark.parametrize("name", CHANGES)
def test_change_is_for_those_who_may_change_the_account(make_service, name):
    service = make_service(ROLES="Reader=RestComm:Read:Accounts", ACCESS="lineage")
    reader = account_row("reader", PARENT, role="Reader")
    fresh = account_row("fresh", PARENT, status="uninitialized")
    service.insert(TABLES)
    service.insert({"restcomm_accounts": [reader, fresh]})
    before = service.dump()
    for caller, path, code in (
        (reader, f"/Accounts/{reader['sid']}", 20006),
        (fresh, f"/Accounts/{fresh['sid']}", 20005),
        (GRANDCHILD, PATH, 20006),
        (STRANGER, PATH, 20006),
    ):
        check_error(change(service, name, caller, path=path), 403, code)
    assert service.dump() == before
    assert opens(service, rotate(service, caller=PARENT))


def test_new_password_ends_both_tokens(service):
    new = rotate(service)
    change(service, "Password", Password="pass word")
    assert opens(service, "pass word")
    assert not opens(service, new)
    assert not opens(service, CHILD["auth_token"])


@pytest.mark.parametrize("name", CHANGES)
def test_closing_ends_both_tokens_of_all_below(service, name):
    rotate(service)
    rotate(service, path=f"/Accounts/{GRANDCHILD['sid']}")
    service.request("DELETE", PATH, PARENT)
    assert SecondToken.select().count() == 0
    check_error(change(service, name, PARENT), 409, 20007)


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_masked_replies_hold_asterisks(make_service, suffix):
    service = make_service()
    service.insert(TABLES)
    shown = service.request("GET", PATH + suffix, CHILD).data
    shown_list = service.request("GET", f"/Accounts{suffix}", PARENT).data
    masking = make_service(TOKEN_IN_REPLIES="off")
    masking.insert(TABLES)
    expected = shown.replace(CHILD["auth_token"].encode(), ASTERISKS.encode())
    assert masking.request("GET", PATH + suffix, CHILD).data == expected != shown
    masked_list = masking.request("GET", f"/Accounts{suffix}", PARENT).data
    assert re.sub(rb"\b[0-9a-f]{32}\b", ASTERISKS.encode(), shown_list) == masked_list
    new = rotate(masking)
    assert opens(masking, new)
    promoted = change(masking, "PromoteToken", CHILD | {"auth_token": new})
    assert promoted.json["auth_token"] == ASTERISKS


@pytest.fixture
def restcomms(service):
    """The application on a Restcomm's database, on which nobody has run init-db."""
    SecondToken.drop_table()
    service.start_anew()
    return service


def test_database_without_the_table_lets_in_and_keeps_out(restcomms):
    assert opens(restcomms, CHILD["auth_token"])
    assert opens(restcomms, "child")
    for password in ("wrong", ASTERISKS):
        assert not opens(restcomms, password)
    unknown = authorization({"sid": "nobody@example.com"}, "x")
    assert restcomms.request("GET", PATH, headers=unknown).status_code == 401


@pytest.mark.parametrize("name", CHANGES)
def test_database_without_the_table_refuses_a_change_of_tokens(restcomms, name):
    check_error(change(restcomms, name), 501, 20501, "init-db")


def test_database_without_the_table_takes_all_other_changes(restcomms):
    assert change(restcomms, "Password", Password="pass word").status_code == 200
    assert opens(restcomms, "pass word")
    assert restcomms.request("DELETE", PATH, PARENT).status_code == 204


def test_serve_on_a_database_without_the_table_lets_in(make_gunicorn, database_url):
    gunicorn = make_gunicorn()
    token = gunicorn.run("add-account", "own@example.com").split()[-1]
    with closing(connect_directly(database_url)) as connection:
        connection.execute("DROP TABLE restcomm_apps_second_tokens")
    gunicorn.start()
    own = {"sid": "own@example.com", "auth_token": token}
    assert gunicorn.request("GET", "/Accounts/own@example.com", own)[0] == 200


def test_unknown_name_takes_as_many_queries_as_a_wrong_password(service, caplog):
    rotate(service)
    counts = []
    for name in (CHILD["sid"], STRANGER["email_address"], "AC" + "f" * 32, "nobody@example.com"):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, "peewee"):
            headers = authorization({"sid": name}, "wrong")
            assert service.request("GET", PATH, headers=headers).status_code == 401
        counts.append([record.name for record in caplog.records].count("peewee"))
    assert counts == [1] * 4


def test_operator_rotates_moves_and_promotes(make_gunicorn):
    gunicorn = make_gunicorn()
    added = gunicorn.run("add-account", "own@example.com")
    sid, first = re.fullmatch(r"sid:   (\S+)\ntoken: (\S+)\n", added).groups()
    gunicorn.start()

    def status(token):
        return gunicorn.request("GET", f"/Accounts/{sid}", {"sid": sid, "auth_token": token})[0]

    lost = gunicorn.run("rotate-token", "own@example.com").removeprefix("token: ").strip()
    assert (status(first), status(lost)) == (200, 200)
    assert gunicorn.run("rotate-token", sid, "--cancel") == ""
    assert (status(first), status(lost)) == (200, 401)
    second = gunicorn.run("rotate-token", sid).removeprefix("token: ").strip()
    assert (status(first), status(second)) == (200, 200)
    assert gunicorn.run("rotate-token", sid, "--promote") == ""
    assert (status(first), status(second)) == (401, 200)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((CHILD["sid"], "--promote"), "The account has no second token."),
        ((CHILD["sid"], "--cancel"), "The account has no second token."),
        ((CHILD["sid"], "--cancel", "--promote"), "--promote and --cancel must not be"),
        (("nobody@example.com",), "'nobody@example.com' is no account's"),
    ],
)
def test_rotate_token_with_a_mistake_changes_nothing(make_gunicorn, service, arguments, sentence):
    before = service.dump()
    with pytest.raises(subprocess.CalledProcessError) as failure:
        make_gunicorn().run("rotate-token", *arguments)
    assert failure.value.returncode == 2
    assert failure.value.stderr.startswith("restcomm-apps: ") and sentence in failure.value.stderr
    assert service.dump() == before


def test_secrets_stay_out_of_the_log_and_the_list_of_processes(make_gunicorn, database_url):
    """With the most that is logged, through refusals, changes and a failure."""
    gunicorn = make_gunicorn(LOG_LEVEL="debug")
    gunicorn.popen = (
        subprocess.Popen
    )  # A forked process has the name of the one it was forked from.
    first = gunicorn.run("add-account", "own@example.com").split()[-1]
    gunicorn.start()
    own = {"sid": "own@example.com", "auth_token": first}
    path = "/Accounts/own@example.com"
    answered = gunicorn.request("POST", f"{path}.json", own, b"RotateToken=true")
    second = re.search(r'"auth_token": "(\w+)"', answered[2].decode())[1]
    own["auth_token"] = second
    expected = {
        b"PromoteToken=true": 200,
        b"CancelToken=true": 409,
        b"Password=my-new-one": 200,
    }
    for form, status in expected.items():
        assert gunicorn.request("POST", path, own, form)[0] == status
    wrong = own | {"auth_token": "a-wrong-one"}
    assert gunicorn.request("POST", path, wrong, b"Password=a-new-one")[0] == 401
    own["auth_token"] = "my-new-one"
    assert gunicorn.request("POST", path, own, b"Password=%ff-weak")[0] == 400
    with closing(connect_directly(database_url)) as connection:
        connection.execute("DROP TABLE restcomm_applications")
    assert gunicorn.request("GET", f"{path}/Applications", own)[0] in (500, 503)
    told = gunicorn.log.read_text() + "".join(
        process.read_bytes().decode(errors="replace")
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if int(process.parent.name) in members_of(gunicorn.process.pid)
    )
    assert "restcomm_applications" in told and "serve" in told
    secrets = [first, second, "a-wrong-one", "my-new-one", "a-new-one", "-weak"]
    secrets.append(hashlib.md5(b"my-new-one").hexdigest())
    assert [secret for secret in secrets if secret in told] == []


def members_of(group):
    """List the processes of a process group."""
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[2]) == group:
            members.append(int(path.parent.name))
    return members
