"""The command check-db, run as an operator runs it on databases as Restcomm makes them."""

import json
import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from restcomm_apps import checks
from restcomm_apps.store import service_models as own_models

from ..support.command_line import finish, start
from ..support.databases import ENGINE, connect_directly, refuse
from ..support.documentation import blocks, read, table_after
from ..support.rows import (
    BARE,
    CHILD,
    FULL,
    MARKUP,
    NAMESAKE,
    PARENT,
    STRANGER,
    TABLES,
    account_row,
    application_row,
    client_row,
    number_row,
)
from ..support.schemas import AGES, INDEXES, make_tables
from ..support.tables import read_rows, replace_rows

ACCOUNTS, APPLICATIONS = "restcomm_accounts", "restcomm_applications"
NUMBERS, CLIENTS = "restcomm_incoming_phone_numbers", "restcomm_clients"
ORGANIZATIONS = "restcomm_organizations"
OWN_TABLES = [model._meta.table_name for model in own_models.TABLES]
ON_MARIADB = ENGINE == "mariadb"
# Collations that MariaDB does not compare with each other, and that fold cases.
MIXED = {NUMBERS: "COLLATE utf8mb4_unicode_ci", CLIENTS: "COLLATE utf8mb4_swedish_ci"}

NOWHERE = "9" * 32
CLEAN = {
    ORGANIZATIONS: TABLES[ORGANIZATIONS],
    ACCOUNTS: [
        PARENT,
        CHILD,
        {**STRANGER, "uri": f"/restcomm/2012-04-24/Accounts/{STRANGER['sid']}"},
    ],
    APPLICATIONS: [
        {**FULL, "uri": f"/restcomm{FULL['uri']}"},
        {**BARE, "uri": f"/a/b{BARE['uri']}"},
        MARKUP,
        # The same name as FULL's but for the case; the same as MARKUP's, but another account's.
        application_row(9, CHILD, friendly_name="APPLICATION 1"),
        application_row(10, PARENT, friendly_name=MARKUP["friendly_name"]),
    ],
    NUMBERS: [
        number_row(1, CHILD, voice_application_sid=FULL["sid"], refer_application_sid=BARE["sid"]),
        number_row(2, PARENT),
    ],
    CLIENTS: [client_row(1, CHILD, voice_application_sid=FULL["sid"]), client_row(2, CHILD)],
}
SHUT = account_row("shut", PARENT, status="closed")
# Rows beside CLEAN's, for each check at least one that it finds.
BROKEN = {
    ACCOUNTS: [
        account_row("orphan", {"sid": f"AC{NOWHERE}"}),
        account_row("foreigner", organization_sid=f"OR{NOWHERE}"),
        account_row("loud", status="Active"),
        account_row("strange", status="gone"),
        account_row("clerk", role="Clerk"),
        SHUT,
        account_row("twin1", email_address="same@example.com"),
        account_row("twin2", email_address="same@example.com"),
        account_row("no-twin", email_address="Same@example.com"),
        account_row("astray", uri=f"/2012-04-24/Accounts/{PARENT['sid']}"),
    ],
    APPLICATIONS: [
        NAMESAKE,
        application_row(20, {"sid": f"AC{NOWHERE}"}),
        # Nobody's, though collations that fold cases find an owner.
        application_row(21, {"sid": CHILD["sid"].swapcase()}),
        application_row(22, CHILD, kind="VOICE"),
        application_row(23, CHILD, kind="fax"),
        application_row(24, CHILD, kind=""),
        application_row(25, CHILD, date_created="0000-00-00 00:00:00"),
        application_row(26, CHILD, uri=FULL["uri"]),
        application_row(27, CHILD, uri=f"no root{application_row(27, CHILD)['uri']}"),
        application_row(29, SHUT),
        application_row(28, CHILD, sid="AP-28", uri=FULL["uri"].replace(FULL["sid"], "AP-28")),
    ],
    NUMBERS: [
        number_row(20, CHILD, voice_application_sid=f"AP{NOWHERE}"),
        number_row(21, CHILD, voice_application_sid=FULL["sid"].swapcase()),
        number_row(22, CHILD, sms_application_sid=""),
        number_row(23, CHILD, ussd_application_sid=f"AP{NOWHERE}"),
        number_row(24, CHILD, refer_application_sid=f"AP{NOWHERE}"),
        number_row(25, STRANGER, voice_application_sid=FULL["sid"]),
        number_row(26, {"sid": f"AC{NOWHERE}"}),
        number_row(27, CHILD, organization_sid=f"OR{NOWHERE}"),
    ],
    CLIENTS: [
        client_row(20, CHILD, voice_application_sid=f"AP{NOWHERE}"),
        client_row(21, {"sid": f"AC{NOWHERE}"}),
        client_row(22, CHILD, login=None),
        client_row(23, CHILD, login="é" * 65),
        {
            name: value.replace("CL", "XX") if name in ("sid", "uri") else value
            for name, value in client_row(24, CHILD).items()
        },
    ],
}
BROKEN_LINES = {(CLIENTS, "login"): "login VARCHAR(80) null"}
# What is found in BROKEN: {check: {(table, column): count}}.
FOUND_IN_ROWS = {
    "missing-values": {(CLIENTS, "login"): 1},
    "sids": {(APPLICATIONS, None): 1},
    "sid-prefixes": {(CLIENTS, None): 1},
    "ownerless": {(APPLICATIONS, None): 2, (NUMBERS, None): 1, (CLIENTS, None): 1},
    "closed-accounts": {(APPLICATIONS, None): 1},
    "parentless": {(ACCOUNTS, None): 1},
    "organizations": {(ACCOUNTS, None): 1, (NUMBERS, None): 1},
    "dangling": {
        (NUMBERS, "voice_application_sid"): 2,
        (NUMBERS, "sms_application_sid"): 1,
        (NUMBERS, "ussd_application_sid"): 1,
        (NUMBERS, "refer_application_sid"): 1,
        (CLIENTS, "voice_application_sid"): 1,
    },
    "foreign-references": {(NUMBERS, "voice_application_sid"): 1},
    "uris": {(ACCOUNTS, None): 1, (APPLICATIONS, None): 2},
    "kinds": {(APPLICATIONS, None): 1},
    "unknown-kinds": {(APPLICATIONS, None): 2},
    "statuses": {(ACCOUNTS, None): 1},
    "unknown-statuses": {(ACCOUNTS, None): 1},
    "roles": {(ACCOUNTS, None): 1},
    "duplicate-names": {(APPLICATIONS, None): 2},
    "duplicate-addresses": {(ACCOUNTS, None): 2},
    "long-values": {(CLIENTS, "login"): 1},
    "dates": {(APPLICATIONS, "date_created"): 1},
}

# Tables that are spoiled themselves; CLIENTS is not there at all.
SPOILED_LINES = {
    (ORGANIZATIONS, "sid"): "sid VARCHAR(34)",
    (ACCOUNTS, "parent_sid"): "parent_sid VARCHAR(34)",
    (APPLICATIONS, "kind"): None,
    (APPLICATIONS, "voice_caller_id_lookup"): "voice_caller_id_lookup VARCHAR(5)",
    (APPLICATIONS, "friendly_name"): "friendly_name VARCHAR(32)",
    (APPLICATIONS, "color"): "color VARCHAR(8)",
    (NUMBERS, "refer_url"): None,
}
SPOILED_OPTIONS = {NUMBERS: "ENGINE=MyISAM", ACCOUNTS: "CHARACTER SET latin1"}
FOUND_IN_STRUCTURE = {
    "missing-tables": {(CLIENTS, None): 1},
    "own-tables": {(name, None): 1 for name in OWN_TABLES},
    "missing-columns": {(APPLICATIONS, None): 1},
    "older-columns": {(NUMBERS, None): 1},
    "column-types": {(APPLICATIONS, None): 1},
    "required-columns": {(ACCOUNTS, None): 1},
    "unknown-columns": {(APPLICATIONS, None): 1},
    "primary-keys": {(ORGANIZATIONS, "sid"): 1},
    # One of the four of the applications is on the column that is not there.
    "indexes": {(ORGANIZATIONS, None): 1, (APPLICATIONS, None): 3, (NUMBERS, None): 1},
}
FOUND_ON_MARIADB = {
    "column-lengths": {(APPLICATIONS, None): 1},
    "engines": {(NUMBERS, None): 1},
    "charsets": {(ACCOUNTS, None): 10},
}
ELSEWHERE = {"older-tables"}


def run_check(url, *arguments, answer=""):
    """Run check-db; give exit code, output and errors."""
    process = start("check-db", *arguments, stdin=subprocess.PIPE, DATABASE_URL=url)
    return finish(process, answer)


def check_as_json(url, *arguments):
    """Run check-db --json; give exit code and report."""
    code, output, _ = run_check(url, "--json", *arguments)
    return code, json.loads(output)


def counts_of(report):
    """Give a report's findings as {check: {(table, column): count}}."""
    counts = {}
    for finding in report["findings"]:
        where = finding["table"], finding["column"]
        assert where not in counts.setdefault(finding["check"], {})
        counts[finding["check"]][where] = finding["count"]
    return counts


def build(url, age="today", rows=CLEAN, indexes=INDEXES, lines=None, options=None):
    """Make Restcomm's tables and rows, beside some of this service's name; give the URL."""
    with closing(connect_directly(url)) as connection:
        columns = make_tables(connection, age, lines, (options or MIXED) if ON_MARIADB else None)
        for statement in indexes:
            connection.execute(statement)
        for name in OWN_TABLES:
            connection.execute(f"CREATE TABLE {name} (anything INTEGER)")
        connection.commit()
    rows = {
        table: [{name: row[name] for name in row.keys() & columns[table]} for row in rows[table]]
        for table in columns
    }
    replace_rows(url, rows)
    return url


def build_broken(url, **options):
    """Make a database with BROKEN beside CLEAN; give its URL."""
    rows = {table: CLEAN[table] + BROKEN.get(table, []) for table in CLEAN}
    return build(url, rows=rows, lines=BROKEN_LINES, **options)


@pytest.fixture(scope="module")
def broken_url(make_database_url):
    """A database with BROKEN, for what changes nothing."""
    return build_broken(make_database_url())


@pytest.fixture(scope="module")
def broken_report(broken_url):
    """What check-db --json says of BROKEN."""
    return check_as_json(broken_url)


@pytest.fixture(scope="module")
def spoiled_report(make_database_url):
    """What check-db --json says of the spoiled tables."""
    url = build(
        make_database_url(),
        rows={table: [] for table in CLEAN},
        indexes=(),
        lines=SPOILED_LINES,
        options=SPOILED_OPTIONS,
    )
    with closing(connect_directly(url)) as connection:
        for name in (CLIENTS, *OWN_TABLES):
            connection.execute(f"DROP TABLE {name}")
    return check_as_json(url)


def test_check_of_a_clean_database_finds_nothing(database_url):
    build(database_url)
    assert run_check(database_url) == (0, "Total: 0 wrong, 0 informational\n", "")
    report = {"findings": [], "mended": [], "wrong": 0, "informational": 0}
    assert check_as_json(database_url) == (0, report)


def test_check_of_what_init_db_makes_finds_nothing(make_service, database_url):
    make_service().insert(CLEAN)
    assert run_check(database_url) == (0, "Total: 0 wrong, 0 informational\n", "")


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        ("before transfers", {"older-columns": {(NUMBERS, None): 3}}),
        (
            "before organizations",
            {
                "older-tables": {(ORGANIZATIONS, None): 1},
                "older-columns": {(ACCOUNTS, None): 1, (NUMBERS, None): 4},
            },
        ),
    ],
)
def test_check_of_an_older_database_is_informational(database_url, age, counts):
    missing_tables, _ = AGES[age]
    indexes = [index for index in INDEXES if not any(table in index for table in missing_tables)]
    build(database_url, age, indexes=indexes)
    code, report = check_as_json(database_url)
    assert (code, report["wrong"], counts_of(report)) == (0, 0, counts)


def test_every_check_has_something_to_find():
    named = [*FOUND_IN_ROWS, *FOUND_IN_STRUCTURE, *FOUND_ON_MARIADB, *ELSEWHERE]
    assert sorted(named) == sorted(check.name for check in checks.CHECKS)


@pytest.mark.parametrize("name", FOUND_IN_ROWS)
def test_check_finds_rows(broken_report, name):
    assert counts_of(broken_report[1]).get(name) == FOUND_IN_ROWS[name]


def test_check_of_rows_finds_nothing_else(broken_report):
    code, report = broken_report
    assert (code, counts_of(report).keys()) == (1, FOUND_IN_ROWS.keys())
    for severity in (checks.WRONG, checks.INFORMATIONAL):
        counts = [each["count"] for each in report["findings"] if each["severity"] == severity]
        assert report[severity] == sum(counts)


@pytest.mark.parametrize("name", [*FOUND_IN_STRUCTURE, *FOUND_ON_MARIADB])
def test_check_finds_structure(spoiled_report, name):
    expected = FOUND_IN_STRUCTURE | (FOUND_ON_MARIADB if ON_MARIADB else {})
    assert counts_of(spoiled_report[1]).get(name) == expected.get(name)


def test_check_of_structure_finds_nothing_else(spoiled_report):
    expected = FOUND_IN_STRUCTURE.keys() | (FOUND_ON_MARIADB.keys() if ON_MARIADB else set())
    assert (spoiled_report[0], counts_of(spoiled_report[1]).keys()) == (1, expected)


def test_check_names_the_columns_that_differ(spoiled_report):
    examples = {each["check"]: each["examples"] for each in spoiled_report[1]["findings"]}
    assert examples["missing-columns"] == [{"column": "kind"}]
    assert examples["unknown-columns"] == [
        {"column": "color", "found": "varchar(8)" if ON_MARIADB else "VARCHAR(8)"}
    ]
    (other,) = examples["column-types"]
    assert (other["column"], other["expected"]) == ("voice_caller_id_lookup", "boolean")


def test_check_shows_the_first_rows_and_how_many_more(database_url):
    numbers = [number_row(n, CHILD, sms_application_sid=f"AP{NOWHERE}") for n in range(30, 35)]
    build(database_url, rows=CLEAN | {NUMBERS: numbers})
    code, output, _ = run_check(database_url)
    lines = [" ".join(line.split()) for line in output.splitlines()]
    shown = [f"sid={row['sid']}, sms_application_sid=AP{NOWHERE}" for row in numbers[:3]]
    assert code == 1
    assert lines == [
        "SEVERITY CHECK COUNT WHERE",
        f"wrong dangling 5 {NUMBERS}.sms_application_sid",
        "rows that point at an application that is not there; mend with --fix dangling",
        *shown,
        "and 2 more",
        "Total: 5 wrong, 0 informational",
    ]


def test_check_changes_nothing(broken_url):
    before = read_rows(broken_url, CLEAN)
    assert run_check(broken_url)[0] == 1
    assert read_rows(broken_url, CLEAN) == before


def test_fix_mends_what_is_named_and_nothing_else(database_url):
    build_broken(database_url, indexes=())
    before = read_rows(database_url, CLEAN)
    code, report = check_as_json(database_url, "--yes", "--fix", ",".join(checks.MENDABLE))
    assert code == 1
    mended = {}
    for each in report["mended"]:
        mended.setdefault(each["check"], {})[each["table"], each["column"]] = each["count"]
    names = {"dangling", "uris", "kinds", "statuses"}
    assert mended == {name: FOUND_IN_ROWS[name] for name in names} | {
        "indexes": FOUND_IN_STRUCTURE["indexes"] | {(APPLICATIONS, None): 4}
    }
    assert counts_of(report).keys() == FOUND_IN_ROWS.keys() - names

    after = read_rows(database_url, CLEAN)
    changes = [
        (old["sid"], name, old[name], new[name])
        for table in CLEAN
        for old, new in zip(before[table], after[table], strict=True)
        for name in old
        if old[name] != new[name]
    ]
    astray = account_row("astray")
    loud = account_row("loud")
    assert sorted(changes, key=str) == sorted(
        [
            (astray["sid"], "uri", f"/2012-04-24/Accounts/{PARENT['sid']}", astray["uri"]),
            (loud["sid"], "status", "Active", "active"),
            (f"AP{22:032d}", "kind", "VOICE", "voice"),
            *(
                (row["sid"], "uri", row["uri"], application_row(int(row["sid"][2:]), CHILD)["uri"])
                for row in BROKEN[APPLICATIONS][7:9]
            ),
            *(
                (row["sid"], column, row[column], None)
                for row in BROKEN[NUMBERS][:5] + BROKEN[CLIENTS][:1]
                for column in row
                if column.endswith("_application_sid")
            ),
        ],
        key=str,
    )
    # Once mended, there is nothing to mend.
    again = check_as_json(database_url, "--yes", "--fix", ",".join(names))
    assert again == (1, report | {"mended": []})


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_fix_without_a_yes_changes_nothing(broken_url, answer):
    before = read_rows(broken_url, CLEAN)
    code, output, errors = run_check(broken_url, "--fix", "dangling", answer=answer)
    assert "--fix dangling sets the reference to NULL: 2 of" in errors
    assert "Do this now?" in errors
    assert code == (1 if answer else 2)
    assert ("wrong          dangling" in output) == bool(answer)
    assert read_rows(broken_url, CLEAN) == before


def test_fix_after_a_yes_mends(database_url):
    build_broken(database_url)
    _, output, _ = run_check(database_url, "--fix", "dangling, kinds", answer="y\n")
    assert re.search(rf"^mended +kinds +1  {APPLICATIONS}$", output, re.MULTILINE)
    assert not re.search("wrong +(dangling|kinds) ", output)


def test_fix_that_fails_changes_no_row(database_url):
    build_broken(database_url)
    with closing(connect_directly(database_url)) as connection:
        refuse(connection, "UPDATE", CLIENTS)
    before = read_rows(database_url, CLEAN)
    # The numbers come before the clients.
    code, output, errors = run_check(database_url, "--fix", "dangling", "--yes")
    assert (code, output) == (2, "")
    assert errors.splitlines()[-1].startswith("restcomm-apps: The database cannot be used: ")
    assert read_rows(database_url, CLEAN) == before


@pytest.mark.mariadb
def test_check_compares_across_character_sets(database_url):
    build_broken(database_url, options={ACCOUNTS: "CHARACTER SET latin1"})
    counts = counts_of(check_as_json(database_url)[1])
    assert counts.pop("charsets") == FOUND_ON_MARIADB["charsets"]
    assert counts == FOUND_IN_ROWS


def test_fix_mends_an_older_database(database_url):
    build_broken(database_url, age="before organizations", indexes=())
    code, report = check_as_json(database_url, "--fix", "dangling,indexes", "--yes")
    mended = {(each["check"], each["table"], each["column"]) for each in report["mended"]}
    dangling = FOUND_IN_ROWS["dangling"].keys() - {(NUMBERS, "refer_application_sid")}
    assert mended == {("dangling", *where) for where in dangling} | {
        ("indexes", APPLICATIONS, None),
        ("indexes", NUMBERS, None),
    }
    assert code == 1
    assert not counts_of(report).keys() & {"dangling", "indexes", "organizations"}


@pytest.mark.mariadb
def test_fix_moves_a_table_to_innodb(database_url):
    build(database_url, options={NUMBERS: "ENGINE=MyISAM"})
    code, report = check_as_json(database_url, "--fix", "engines", "--yes")
    where = {"check": "engines", "table": NUMBERS, "column": None, "count": 1}
    assert (code, report["findings"], report["mended"]) == (0, [], [where])


def test_fix_of_an_unknown_name_is_refused(database_url):
    code, output, errors = run_check(database_url, "--fix", "dangling,everything")
    assert (code, output) == (2, "")
    assert re.fullmatch(r"restcomm-apps: [^\n]*'everything'[^\n]*\n", errors)


@pytest.mark.sqlite
def test_check_leaves_a_file_as_it_is(database_url):
    path = Path(database_url.removeprefix("sqlite:///"))
    build_broken(database_url)
    before = path.read_bytes()
    assert run_check(database_url)[0] == 1
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.sqlite
def test_check_of_a_missing_file_makes_none(tmp_path):
    path = tmp_path / "nothing.db"
    code, output, errors = run_check(f"sqlite:///{path}")
    assert (code, output) == (2, "")
    assert str(path) in errors
    assert not path.exists()


def test_checks_are_documented():
    expected = [
        [f"`{check.name}`", check.severity, check.meaning, check.mending or ""]
        for check in checks.CHECKS
    ]
    documented = table_after(read("docs/check-db.md"), "<!-- checks")
    lines = [f"| {' | '.join(row)} |" for row in expected]
    assert documented == expected, "the rows should be\n" + "\n".join(lines)


def test_document_shows_a_real_report(database_url):
    number = number_row(1, CHILD, voice_application_sid=f"AP{NOWHERE}")
    build(database_url, rows=CLEAN | {NUMBERS: [number]})
    _, output, _ = run_check(database_url, "--json")
    assert blocks(read("docs/check-db.md"), "json") == [output]
    _, output, _ = run_check(database_url)
    assert blocks(read("docs/check-db.md"), "text") == [output]
