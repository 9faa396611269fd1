"""What the command line prints of others' texts: it steers no terminal and forges no line."""

import csv
import io
import json
from contextlib import closing

import pytest

from restcomm_apps.cli.terminal import printable

from ..support.commands import run, succeed
from ..support.databases import connect_directly
from ..support.rows import CHILD, FULL, application_row

# What a client can have stored; and what else may stand in a database, a file or an argument.
STORED = "Name\n-- forged\r\x85\x9b31m\u2028\u2029\u202e\u2066\u200b\x7f"
ANYTHING = f"\x1b[2J\x00\x08{STORED}"
LIST = f"/Accounts/{CHILD['sid']}/Applications"
INSTANCE = f"{LIST}/{FULL['sid']}"


def check_plain(text):
    """Assert that a text holds nothing but printable characters and ends of lines."""
    assert [each for each in text if not each.isprintable() and each != "\n"] == []
    assert not any(line.startswith("-- forged") for line in text.splitlines())
    return text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë & sons: \U0001f600", None),
        ("back\\slash", None),
        ("\n\r\t", r"\n\r\t"),
        ("\x00\x1b[31m\x7f", r"\x00\x1b[31m\x7f"),
        ("\x85\x9b\xa0\xad", r"\x85\x9b\xa0\xad"),
        ("\u2028\u2029\u061c\u200e", r"\u2028\u2029\u061c\u200e"),
        ("\u202a\u202b\u202c\u202d\u202e", r"\u202a\u202b\u202c\u202d\u202e"),
        ("\u2066\u2067\u2068\u2069\ufeff", r"\u2066\u2067\u2068\u2069\ufeff"),
        ("\U000e0001\udcff", r"\U000e0001\udcff"),
    ],
)
def test_printable_escapes_what_is_not(text, shown):
    assert printable(text) == (text if shown is None else shown)
    assert printable(printable(text)) == printable(text)


def test_check_db_prints_names_on_their_line(service, database_url):
    rows = [application_row(number, CHILD, friendly_name=STORED) for number in (70, 71)]
    service.insert({"restcomm_applications": rows})
    _, output, errors = run("check-db", DATABASE_URL=database_url)
    assert f"friendly_name={printable(STORED)}\n" in check_plain(output)
    assert errors == ""
    _, output, _ = run("check-db", "--json", DATABASE_URL=database_url)
    check_plain(output)
    examples = [each["examples"] for each in json.loads(output)["findings"]]
    assert STORED in [row.get("friendly_name") for found in examples for row in found]


def test_check_db_announces_what_it_mends_plainly(service, database_url):
    row = application_row(70, CHILD, uri=STORED)
    service.insert({"restcomm_applications": [row]})
    _, output, errors = run("check-db", "--fix", "uris", "--yes", DATABASE_URL=database_url)
    assert f"uri={printable(STORED)}\n" in check_plain(errors)
    check_plain(output)


@pytest.fixture
def changed(service, database_url):
    """A service on which a client has made changes with STORED."""
    for form in ({"FriendlyName": STORED}, {"FriendlyName": "Plain"}):
        reply = service.request("PUT", INSTANCE, CHILD, data=form)
        assert reply.status_code == 200
    return service


def test_audit_prints_a_line_for_each_change(changed, database_url):
    with closing(connect_directly(database_url)) as connection, connection:
        connection.execute(
            "UPDATE restcomm_apps_changes SET operator = ?, previous_hash = ? WHERE sequence = 1",
            [ANYTHING.replace("\x00", ""), "\x9b\n"],
        )
    settings = {"DATABASE_URL": database_url}
    listed = check_plain(succeed("audit", "list", **settings))
    assert len(listed.splitlines()) == 3
    exported = succeed("audit", "export", "--format", "csv", **settings).replace("\r\n", "\n")
    check_plain(exported)
    _, *rows = csv.reader(io.StringIO(exported, newline=""))
    assert len(rows) == len(exported.splitlines()) - 1 == 2
    assert json.loads(rows[0][9])["friendly_name"] == [FULL["friendly_name"], STORED]
    check_plain(succeed("audit", "export", **settings))
    code, output, _ = run("audit", "verify", **settings)
    assert (code, len(check_plain(output).splitlines())) == (1, 1)


def test_restore_prints_a_name_on_its_line(changed, database_url):
    printed = succeed("restore", FULL["sid"], "--at", "1", DATABASE_URL=database_url)
    assert check_plain(printed).endswith(f" is back: '{printable(STORED)}'\n")


def test_apply_prints_a_difference_on_its_lines(changed, database_url, tmp_path):
    path = tmp_path / "rows.yaml"
    path.write_text(json.dumps([{"Sid": FULL["sid"], "FriendlyName": STORED}]))
    arguments = ("apply", path, "--account", CHILD["sid"], "--dry-run")
    printed = check_plain(succeed(*arguments, DATABASE_URL=database_url))
    assert f"    FriendlyName: 'Plain' -> '{printable(STORED)}'\n" in printed


def test_import_prints_what_it_cannot_take_on_its_line(service, database_url, tmp_path):
    path = tmp_path / "rows.jsonl"
    row = {"sid": f"AP{70:032d}", "friendly_name": "x", "account_sid": ANYTHING}
    lines = [
        {"format": "restcomm-apps", "version": 1, "timezone": "UTC"},
        {"table": "restcomm_accounts", "row": CHILD | {ANYTHING: "x"}},
        {"table": "restcomm_applications", "row": row},
        {"rows": {ANYTHING: 1}},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, output, errors = run("import", path, "--skip-bad", DATABASE_URL=database_url)
    assert (code, len(check_plain(errors).splitlines())) == (0, 2)
    assert f"no place for it: {printable(ANYTHING)}\n" in check_plain(output)


@pytest.mark.parametrize(
    "arguments",
    [
        ("add-account", ANYTHING),
        ("add-account", "new@example.com", "--name", ANYTHING * 9),
        ("add-account", "new@example.com", "--parent", ANYTHING),
        ("add-account", "new@example.com", "--role", ANYTHING),
        ("rotate-token", ANYTHING),
        ("restore", ANYTHING),
        ("import", ANYTHING),
        ("apply", ANYTHING, "--account", "x"),
        ("audit", "verify", "--against", ANYTHING),
        ("check-db", "--fix", ANYTHING),
        ("serve", "--bind", ANYTHING),
        (ANYTHING,),
        ("settings", ANYTHING),
    ],
    ids=lambda arguments: " ".join(arguments[:-1]),
)
def test_mistake_is_one_plain_line(service, database_url, arguments):
    # No argument and no variable can hold a NUL.
    arguments = [each.replace("\x00", "") for each in arguments]
    code, output, errors = run(*arguments, DATABASE_URL=database_url)
    assert (code, output, len(check_plain(errors).splitlines())) == (2, "", 1)


def test_settings_prints_a_line_for_each():
    roles = "Guest=;\n-- forged\x9b="
    printed = check_plain(succeed("settings", ROLES=roles))
    assert f"  {printable(roles)}  " in printed


def test_path_of_a_database_is_told_on_its_line(tmp_path):
    code, output, errors = run("check-db", DATABASE_URL=f"sqlite:///{tmp_path}/{STORED}.db")
    assert (code, output, len(check_plain(errors).splitlines())) == (2, "", 1)
