"""The service on a database that a Restcomm of some age has made: nobody ran init-db, and nothing
of it is changed but the rows that a client asks for.
"""

import json
import re
from contextlib import closing

import pytest

from ..support.databases import ENGINE, connect_directly, read_columns
from ..support.rows import (
    CHILD,
    FULL,
    NAMESAKE,
    ORGANIZATION,
    PARENT,
    TABLES,
    client_row,
    number_row,
)
from ..support.schemas import AGES, make_tables
from ..support.service import Gunicorn
from ..support.tables import read_rows

LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"
DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" + ("" if ENGINE == "mariadb" else r"(\.\d{1,6})?")


@pytest.fixture(params=AGES)
def age(request):
    return request.param


@pytest.fixture
def columns(age, database_url):
    """Restcomm's tables with the usual rows, in which uris have grown; gives {table: columns}."""
    with closing(connect_directly(database_url)) as connection:
        columns = make_tables(connection, age)
        for table, names in columns.items():
            for row in TABLES[table]:
                row = {name: value for name, value in row.items() if name in names}
                if row["sid"] == NAMESAKE["sid"]:
                    row["uri"] = f"/restcomm{row['uri']}"
                marks = ", ".join("?" * len(row))
                statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
                connection.execute(statement, list(row.values()))
        connection.commit()
    return columns


@pytest.fixture
def gunicorn(columns, database_url, tmp_path):
    """A service on that database, in a zone that is not UTC."""
    gunicorn = Gunicorn(database_url, log=tmp_path / "log", TIMEZONE="Asia/Kolkata")
    yield gunicorn.start()
    gunicorn.kill()


def read_schema(database_url):
    """Read all that DDL could change: tables, columns, indexes."""
    with closing(connect_directly(database_url)) as connection:
        if ENGINE == "sqlite":
            return connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
        return {
            name: (
                read_columns(connection, name),
                connection.execute(f"SHOW INDEX FROM {name}").fetchall()[0][:5],
            )
            for name in tables
        }


def ask(gunicorn, method, path, form=None, account=CHILD):
    """Send a request for JSON; give its status and what it answers."""
    status, _, body = gunicorn.request(method, path, account, form)
    return status, json.loads(body) if body else None


def test_applications_are_served_and_nothing_else_changes(gunicorn, columns, database_url):
    schema = read_schema(database_url)
    before = read_rows(database_url, columns)

    status, listed = ask(gunicorn, "GET", f"{LIST}.json?includeNumbers=true")
    assert status == 200
    assert [each["sid"] for each in listed][:2] == [NAMESAKE["sid"], FULL["sid"]]
    assert [each["sid"] for each in listed[1]["numbers"]] == [
        number_row(1, CHILD)["sid"],
        number_row(2, CHILD)["sid"],
    ]
    assert listed[0]["uri"] == f"/restcomm/2012-04-24{LIST}/{NAMESAKE['sid']}.json"
    assert listed[0]["date_created"].endswith(" +0530")

    form = b"FriendlyName=caf%C3%A9&Kind=SMS&RcmlUrl=/a&HasVoiceCallerIdLookup=true"
    status, created = ask(gunicorn, "POST", f"{LIST}.json", form)
    assert status == 200
    assert ask(gunicorn, "PUT", f"{INSTANCE}.json", b"Kind=ussd")[0] == 200
    assert ask(gunicorn, "DELETE", f"{LIST}/{NAMESAKE['sid']}")[0] == 204

    after = read_rows(database_url, columns)
    rows = {row["sid"]: row for row in after["restcomm_applications"]}
    made = rows.pop(created["sid"])
    assert re.fullmatch("AP[0-9a-f]{32}", made["sid"])
    # In the form that a Restcomm itself writes.
    assert made == {
        "sid": created["sid"],
        "date_created": made["date_created"],
        "date_updated": made["date_created"],
        "friendly_name": "café",
        "account_sid": CHILD["sid"],
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": 1,
        "uri": f"/2012-04-24{LIST}/{created['sid']}",
        "rcml_url": "/a",
        "kind": "sms",
    }
    assert re.fullmatch(DATE, made["date_created"])
    former = {row["sid"]: row for row in before["restcomm_applications"]}
    del former[NAMESAKE["sid"]]
    changed = former[FULL["sid"]] | {"kind": "ussd"}
    former[FULL["sid"]] = changed | {"date_updated": rows[FULL["sid"]]["date_updated"]}
    assert rows == former
    for table in columns.keys() - {"restcomm_applications"}:
        assert after[table] == before[table]
    assert read_schema(database_url) == schema


def test_removal_frees_what_the_tables_can_point_with(gunicorn, columns, database_url):
    assert ask(gunicorn, "DELETE", INSTANCE)[0] == 204
    tables = ("restcomm_incoming_phone_numbers", "restcomm_clients")
    rows = [row for table in tables for row in read_rows(database_url, columns)[table]]
    assert FULL["sid"] not in [value for row in rows for value in row.values()]
    bare = [row for row in rows if row["sid"] == client_row(2, CHILD)["sid"]]
    assert bare[0]["voice_application_sid"] is not None


def test_accounts_are_served_and_added(gunicorn, columns, database_url):
    status, read = ask(gunicorn, "GET", f"/Accounts/{PARENT['sid']}.json", account=PARENT)
    assert (status, read["email_address"]) == (200, PARENT["email_address"])
    assert ("organization" in read) == ("organization_sid" in columns["restcomm_accounts"])
    form = b"EmailAddress=new@example.com&Password=correct-horse"
    status, created = ask(gunicorn, "POST", "/Accounts.json", form, PARENT)
    assert status == 200
    rows = {row["sid"]: row for row in read_rows(database_url, columns)["restcomm_accounts"]}
    row = rows[created["sid"]]
    assert (row["parent_sid"], row["uri"]) == (
        PARENT["sid"],
        f"/2012-04-24/Accounts/{created['sid']}",
    )
    assert row.get("organization_sid") == rows[PARENT["sid"]].get("organization_sid")
    account = {"sid": created["sid"], "auth_token": "correct-horse"}
    assert ask(gunicorn, "GET", f"/Accounts/{created['sid']}.json", account=account)[0] == 200


def test_list_of_an_organization_is_empty_where_there_are_none(gunicorn, columns):
    has_organizations = "organization_sid" in columns["restcomm_accounts"]
    path = f"/Accounts.json?OrganizationSid={ORGANIZATION}"
    status, listed = ask(gunicorn, "GET", path, account=CHILD)
    assert (status, len(listed)) == (200, 2 if has_organizations else 0)
    path = "/Accounts.json?DomainName=default.restcomm.com"
    assert ask(gunicorn, "GET", path, account=CHILD)[0] == (200 if has_organizations else 404)


def test_command_line_works_on_it(columns, database_url):
    run = Gunicorn(database_url).run
    assert re.match("sid:   AC", run("add-account", "new@example.com", "--parent", PARENT["sid"]))
    lines = run("export").splitlines()
    assert len(lines) == 2 + sum(len(TABLES[table]) for table in columns) + 1


def test_init_db_adds_what_is_missing_and_keeps_the_rows(columns, database_url):
    before = read_rows(database_url, columns)
    gunicorn = Gunicorn(database_url)
    assert gunicorn.run("init-db") == ""
    assert read_rows(database_url, columns) == before
    report = json.loads(gunicorn.run("check-db", "--json"))
    assert {"indexes", "own-tables"} & {each["check"] for each in report["findings"]} == set()
