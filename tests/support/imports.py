"""What the tests of import and export share: odd rows, and what is seen of an import."""

from restcomm_apps import create_app
from restcomm_apps.store.database import database
from restcomm_apps.store.models import TABLES as MODELS

from .rows import CHILD, TABLES, application_row
from .service import BASE, authorization, check_reply

APPLICATIONS = "restcomm_applications"


ORGANIZATIONS = "restcomm_organizations"


# Each holds what a reader of scripts may take for its own: quotes, separators, ends, references.
ODD_NAMES = [
    "it's ''quoted'', (twice)",
    "','NULL',",
    "two\nlines\r\n\tand a tab",
    "emoji \U0001f600 and é, both as references",
    "a backslash \\ and no reference \\u0041 \\\\u0041",
    'INSERT INTO "restcomm_accounts" VALUES(\'AC',
    "NULL",
    "  spaces  ",
    "",
    "a control \x01 that XML cannot carry",
]


ODD = [
    application_row(100 + number, CHILD, friendly_name=name, rcml_url=name)
    for number, name in enumerate(ODD_NAMES)
]


ROWS = TABLES | {APPLICATIONS: TABLES[APPLICATIONS] + ODD}


def read_output(output):
    """Read an import's output into {table: (added, changed, same)} and its other lines."""
    lines = output.splitlines()
    tables = [model._meta.table_name for model in MODELS]
    assert lines[0].split()[-3:] == ["added", "changed", "same"]
    counted = [line.split() for line in lines[1 : 1 + len(tables)]]
    assert [table for table, *_ in counted] == tables
    return {table: tuple(map(int, counts)) for table, *counts in counted}, lines[1 + len(tables) :]


def list_replies(url):
    """Give every reply of every account's list and of every application, in both formats."""
    client = create_app({"RESTCOMM_APPS_DATABASE_URL": url}).test_client()
    replies = {}
    for account in TABLES["restcomm_accounts"]:
        path = f"{BASE}/Accounts/{account['sid']}/Applications"
        own = [row for row in ROWS[APPLICATIONS] if row["account_sid"] == account["sid"]]
        paths = ["?includeNumbers=true", *(f"/{row['sid']}" for row in own)]
        for ending in paths:
            for accept in ("application/json", "application/xml"):
                headers = authorization(account) | {"Accept": accept}
                reply = client.get(path + ending, headers=headers)
                check_reply(reply.status_code, reply.headers["Content-Type"], reply.data)
                assert reply.status_code == 200
                replies[path + ending, accept] = reply.data
    database.close()
    return replies
