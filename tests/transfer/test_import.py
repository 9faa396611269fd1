"""``import``, run as an operator runs it: scripts of three ages, databases and exports, what they
change and what they refuse.
"""

import os
import pty
import signal
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restcomm_apps.store.models import TABLES as MODELS
from restcomm_apps.transfer.hsqldb import read_script

from ..support.command_line import check_mistake, finish, start
from ..support.commands import run, succeed
from ..support.databases import BEGIN, ENGINE, connect_directly
from ..support.imports import APPLICATIONS, ODD, ORGANIZATIONS, ROWS, list_replies, read_output
from ..support.rows import (
    BARE,
    CHILD,
    FULL,
    GRANDCHILD,
    ORGANIZATION,
    PARENT,
    STRANGER,
    STRANGERS,
    TABLES,
    account_row,
    application_row,
    client_row,
    number_row,
)
from ..support.scripts import columns_of, make_script
from ..support.tables import read_rows, replace_rows

ACCOUNTS = "restcomm_accounts"
NUMBERS = "restcomm_incoming_phone_numbers"
CLIENTS = "restcomm_clients"
AGES = ("oldest", "middle", "newest")


@pytest.fixture
def target(database_url):
    """The URL of a database with tables and the first organization."""
    succeed("init-db", DATABASE_URL=database_url)
    return database_url


@pytest.fixture
def write_script(tmp_path):
    """A function that writes lines into a file and gives its path."""

    def write(lines, name="restcomm.script"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        return path

    return write


@pytest.fixture
def source_url(make_database_url):
    """The URL of another database that holds ROWS."""
    url = make_database_url()
    succeed("init-db", DATABASE_URL=url)
    replace_rows(url, ROWS)
    return url


def import_into(url, *arguments):
    """Run an import that must succeed; give {table: (added, changed, same)} and its other lines."""
    return read_output(succeed("import", *arguments, DATABASE_URL=url))


def counts_of(tables, place):
    """Give the counts of an import that found all of these rows added, changed or same."""
    counts = {model._meta.table_name: [0, 0, 0] for model in MODELS}
    for table, rows in tables.items():
        counts[table][place] = len(rows)
    return {table: tuple(each) for table, each in counts.items()}


def complete(tables):
    """Give rows with all of their columns, each table by sid, as a database has them."""
    whole = {}
    for model in MODELS:
        table = model._meta.table_name
        columns = dict.fromkeys(model._meta.fields)
        whole[table] = sorted((columns | row for row in tables[table]), key=lambda row: row["sid"])
    return whole


def as_of_age(age, tables):
    """Give the rows that come out of a script of an age: what it has no column for is null."""
    aged = {}
    for model in MODELS:
        known = {"parent_sid", "organization_sid", *columns_of(age, model)}
        aged[model._meta.table_name] = [
            {name: value if name in known else None for name, value in row.items()}
            for row in tables[model._meta.table_name]
        ]
    return aged


@pytest.mark.parametrize("age", AGES)
def test_import_of_a_script_takes_every_row_exactly(target, write_script, age):
    succeed("import", write_script(make_script(age, ROWS)), DATABASE_URL=target)
    taken, expected = read_rows(target, ROWS), complete(as_of_age(age, ROWS))
    if age != "newest":
        # The organization of init-db; the script has no table of them.
        assert [each["sid"] for each in taken.pop(ORGANIZATIONS)] == [ORGANIZATION]
        del expected[ORGANIZATIONS]
    assert taken == expected


@settings(deadline=None)
@given(names=st.lists(st.text(max_size=64), min_size=1, max_size=5), age=st.sampled_from(AGES))
def test_script_gives_back_any_text(names, age):
    rows = [application_row(number, CHILD, friendly_name=name) for number, name in enumerate(names)]
    lines = [line.encode("ascii") + b"\n" for line in make_script(age, {APPLICATIONS: rows})]
    assert [row.columns["friendly_name"] for row in read_script(lines)] == names


@settings(deadline=None)
@given(line=st.binary(max_size=80), cut=st.integers(0, 300))
def test_script_of_any_bytes_is_read_to_its_end(line, cut):
    lines = [each.encode() for each in make_script("newest", {APPLICATIONS: [FULL]})]
    found = list(read_script([line, lines[-1][:cut] + line, *lines]))
    assert found[-1].columns["friendly_name"] == FULL["friendly_name"]


def test_import_names_the_columns_that_it_leaves_out(target, write_script):
    _, notes = import_into(target, write_script(make_script("oldest", ROWS)))
    assert notes == [
        "left out of restcomm_applications, no place for it: sms_status_callback, voice_url"
    ]


def test_import_of_a_database_gives_the_same_replies(target, source_url):
    import_into(target, source_url)
    replies = list_replies(target)
    assert replies == list_replies(source_url)
    assert len(replies) == 2 * (len(TABLES[ACCOUNTS]) + len(ROWS[APPLICATIONS]))
    assert read_rows(target, ROWS) == complete(ROWS)


def test_import_of_a_database_leaves_it_as_it_is(target, source_url):
    before = read_rows(source_url, ROWS)
    import_into(target, source_url)
    assert read_rows(source_url, ROWS) == before


def test_import_of_an_older_database_takes_what_it_has(target, source_url):
    with closing(connect_directly(source_url)) as connection:
        connection.execute(f"DROP TABLE {ORGANIZATIONS}")
        for table, column in [
            (ACCOUNTS, "organization_sid"),
            (NUMBERS, "organization_sid"),
            (NUMBERS, "refer_application_sid"),
            (APPLICATIONS, "rcml_url"),
        ]:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.commit()
    import_into(target, source_url)
    taken = read_rows(target, ROWS)
    assert {row["organization_sid"] for row in taken[ACCOUNTS] + taken[NUMBERS]} == {ORGANIZATION}
    assert {row["rcml_url"] for row in taken[APPLICATIONS]} == {None}
    assert len(taken[APPLICATIONS]) == len(ROWS[APPLICATIONS])


@pytest.mark.mariadb
def test_import_from_mariadb_into_sqlite(source_url, tmp_path):
    url = f"sqlite:///{tmp_path}/target.db"
    succeed("init-db", DATABASE_URL=url)
    import_into(url, source_url)
    assert read_rows(url, ROWS) == complete(ROWS)
    # And back: nothing has changed on the way.
    assert import_into(source_url, url) == (counts_of(ROWS, 2), [])


def test_import_twice_changes_nothing(target, write_script):
    script = write_script(make_script("newest", ROWS))
    import_into(target, script)
    before = read_rows(target, ROWS)
    assert import_into(target, script) == (counts_of(ROWS, 2), [])
    assert read_rows(target, ROWS) == before


def test_import_changes_what_differs_and_removes_nothing(service, database_url, write_script):
    mine = application_row(99, STRANGER)
    service.insert({APPLICATIONS: [mine]})
    renamed = BARE | {"friendly_name": "Renamed", "kind": "sms"}
    script = make_script("newest", {APPLICATIONS: [FULL, renamed, ODD[0]]})
    counts, notes = import_into(database_url, write_script(script))
    assert counts == counts_of({}, 0) | {APPLICATIONS: (1, 1, 1)}
    assert notes == [
        "changed rows by restcomm_applications.friendly_name: 1",
        "changed rows by restcomm_applications.kind: 1",
    ]
    expected = [row for row in TABLES[APPLICATIONS] if row is not BARE] + [renamed, mine, ODD[0]]
    assert read_rows(database_url, TABLES) == complete(TABLES | {APPLICATIONS: expected})


def test_import_keeps_columns_that_only_restcomm_knows(service, database_url, write_script):
    with closing(connect_directly(database_url)) as connection:
        connection.execute(f"ALTER TABLE {APPLICATIONS} ADD COLUMN theirs VARCHAR(9)")
        connection.execute(f"UPDATE {APPLICATIONS} SET theirs = 'kept'")
        connection.commit()
    changed = FULL | {"friendly_name": "Renamed"}
    import_into(database_url, write_script(make_script("newest", {APPLICATIONS: [changed]})))
    [row] = [r for r in read_rows(database_url, TABLES)[APPLICATIONS] if r["sid"] == FULL["sid"]]
    assert (row["friendly_name"], row["theirs"]) == ("Renamed", "kept")


def test_dry_run_shows_what_the_import_does_and_changes_nothing(
    service, database_url, write_script
):
    changed = [row | {"rcml_url": "/new"} for row in TABLES[APPLICATIONS][:3]]
    script = write_script(make_script("newest", {APPLICATIONS: changed + ODD, ACCOUNTS: [CHILD]}))
    before = service.dump()
    shown = import_into(database_url, script, "--dry-run")
    assert service.dump() == before
    assert shown[0][APPLICATIONS] == (len(ODD), 3, 0)
    assert import_into(database_url, script) == shown
    assert service.dump() != before


def test_dates_are_taken_as_far_as_the_database_holds_them(target, write_script):
    dates = {
        "2012-04-24": "2012-04-24 00:00:00",
        "2015-09-23 06:56:04.108000": "2015-09-23 06:56:04.108000",
        "2013-10-11 14:56:08.549999999": "2013-10-11 14:56:08.549999",
        "2017-04-19 00:00:00.000000000": "2017-04-19 00:00:00",
        "2017-04-19 23:59:59.9": "2017-04-19 23:59:59.900000",
    }
    rows = [
        application_row(number, CHILD, date_updated=written) for number, written in enumerate(dates)
    ]
    script = write_script(make_script("newest", {APPLICATIONS: rows}))
    import_into(target, script)
    taken = [row["date_updated"] for row in read_rows(target, ROWS)[APPLICATIONS]]
    # Cut, not rounded.
    kept = slice(None) if ENGINE == "sqlite" else slice(len("2017-04-19 23:59:59"))
    assert taken == [date[kept] for date in dates.values()]
    assert import_into(target, script)[0] == counts_of({APPLICATIONS: rows}, 2)


def with_application(**columns):
    return {APPLICATIONS: [application_row(1, CHILD, **columns)]}


BAD_ROWS = [
    (with_application(sid="AP1"), "sid must be 34 letters and digits: 'AP1'"),
    (with_application(sid=None), "sid must not be null"),
    (with_application(account_sid=""), "account_sid must be 34 letters and digits: ''"),
    (with_application(friendly_name=None), "friendly_name must not be null"),
    (with_application(friendly_name="x" * 65), "friendly_name has 65 characters, at most 64"),
    (with_application(kind="telepathy"), "kind has 9 characters, at most 5 are allowed"),
    (with_application(kind=True), "kind is no text: True"),
    (with_application(voice_caller_id_lookup="yes"), "neither true nor false: 'yes'"),
    (with_application(voice_caller_id_lookup=2), "neither true nor false: 2"),
    (with_application(date_created="yesterday"), "date_created is no date such as"),
    (with_application(date_created="2015-02-30 00:00:00"), "date_created is no date of the cal"),
    (with_application(date_created=20150230), "date_created is no date such as"),
    (with_application(rcml_url="half \ud83d"), "rcml_url holds half a character"),
    ({CLIENTS: [client_row(1, CHILD, status="on")]}, "status is no number of 32 bits: 'on'"),
    ({CLIENTS: [client_row(1, CHILD, status=2**31)]}, "status is no number of 32 bits"),
    ({NUMBERS: [number_row(1, CHILD, phone_number="1" * 31)]}, "phone_number has 31 characters"),
    ({ACCOUNTS: [account_row("x", auth_token=None)]}, "auth_token must not be null"),
    ({ACCOUNTS: [CHILD, CHILD]}, "its sid has been met before"),
    (
        {ORGANIZATIONS: [TABLES[ORGANIZATIONS][0] | {"sid": "OR" + "1" * 32}]},
        f"domain_name 'default.restcomm.com' is that of {ORGANIZATION}",
    ),
]


@pytest.mark.parametrize("tables, reason", BAD_ROWS, ids=[reason[:20] for _, reason in BAD_ROWS])
def test_bad_row_is_named_and_nothing_is_taken(target, write_script, tables, reason):
    lines = make_script("newest", tables)
    before = read_rows(target, ROWS)
    code, output, errors = run("import", write_script(lines), DATABASE_URL=target)
    named, mistake = errors.splitlines()
    assert named.startswith(f"line {len(lines)}") and reason in named
    assert mistake.startswith("restcomm-apps: Nothing was imported, because 1 of the rows")
    assert (code, output) == (2, "")
    assert read_rows(target, ROWS) == before


GOOD_LINE = make_script("newest", {APPLICATIONS: [FULL]})[-1]
BAD_LINES = [
    (GOOD_LINE[:-40], "the line is cut off"),
    (GOOD_LINE[:40], "does not go on with VALUES"),
    (GOOD_LINE[:20], "does not go on with VALUES"),
    (GOOD_LINE[:-1] + ", NULL)", "restcomm_applications has 10 columns, and here are 11 values"),
    (GOOD_LINE.replace(", FALSE", ""), "has 10 columns, and here are 9 values"),
    (GOOD_LINE.replace("FALSE", "PERHAPS"), "'PERHAPS' is neither text nor number"),
    (GOOD_LINE + " WHERE", "something stands behind the values"),
    ('CREATE MEMORY TABLE "restcomm_clients"("sid" VARCHAR(34', "columns of this table cannot"),
    ("SET TABLE PUBLIC.\"restcomm_clients\" INDEX '4 4 0'", "not in the script but in its .data"),
]


@pytest.mark.parametrize("line, reason", BAD_LINES, ids=[reason[-20:] for _, reason in BAD_LINES])
def test_unreadable_line_is_named_and_skipped_on_demand(target, write_script, line, reason):
    lines = [*make_script("newest", {ACCOUNTS: [PARENT]}), line]
    lines += make_script("newest", {APPLICATIONS: [BARE]})
    script = write_script(lines)
    code, output, errors = run("import", script, DATABASE_URL=target)
    named = [each for each in errors.splitlines() if each.startswith("line ")]
    assert len(named) == 1 and reason in named[0]
    assert named[0].startswith(f"line {lines.index(line) + 1}: ")
    assert (code, output) == (2, "")
    assert read_rows(target, ROWS)[ACCOUNTS] == []

    code, output, errors = run("import", script, "--skip-bad", DATABASE_URL=target)
    assert (code, errors) == (0, f"{named[0]}\n")
    counts, _ = read_output(output)
    assert counts == counts_of({ACCOUNTS: [PARENT], APPLICATIONS: [BARE]}, 0)


def test_insert_before_its_table_is_named(target, write_script):
    lines = ["SET FILES LOG TRUE", GOOD_LINE]
    _, _, errors = run("import", write_script(lines), DATABASE_URL=target)
    assert errors.startswith("line 2: no CREATE TABLE restcomm_applications stands before it\n")


def test_dry_run_of_bad_rows_shows_both(target, write_script):
    tables = {APPLICATIONS: [FULL, BARE | {"kind": "too long"}]}
    script = write_script(make_script("newest", tables))
    code, output, errors = run("import", "--dry-run", script, DATABASE_URL=target)
    assert code == 2
    assert read_output(output)[0] == counts_of({APPLICATIONS: [FULL]}, 0)
    assert f"{APPLICATIONS} {BARE['sid']}: kind has 8 characters" in errors
    assert "Nothing would be imported" in errors


def test_many_bad_rows_are_counted(target, write_script):
    rows = [application_row(number, CHILD, kind="too long") for number in range(150)]
    script = write_script(make_script("newest", {APPLICATIONS: rows}))
    _, _, errors = run("import", script, DATABASE_URL=target)
    assert errors.count("kind has 8 characters") == 100
    assert "and 50 more\n" in errors
    assert "150 of the rows cannot be taken" in errors


def test_bad_row_of_a_database_is_named_by_table_and_sid(target, source_url):
    with closing(connect_directly(source_url)) as connection:
        connection.execute(
            f"UPDATE {APPLICATIONS} SET account_sid = 'x' WHERE sid = ?", (FULL["sid"],)
        )
        connection.commit()
    code, _, errors = run("import", source_url, DATABASE_URL=target)
    assert code == 2
    assert errors.startswith(f"{APPLICATIONS} {FULL['sid']}: account_sid must be 34 letters")


@pytest.mark.mariadb
def test_row_that_the_database_refuses_is_named(target, write_script):
    with closing(connect_directly(target)) as connection:
        connection.execute(f"ALTER TABLE {APPLICATIONS} CONVERT TO CHARACTER SET latin1")
    script = write_script(make_script("newest", {APPLICATIONS: [FULL, ODD[3], BARE]}))
    code, _, errors = run("import", script, DATABASE_URL=target)
    assert code == 2
    assert f"{APPLICATIONS} {ODD[3]['sid']}: the database refuses it: " in errors
    assert read_rows(target, ROWS)[APPLICATIONS] == []
    code, output, _ = run("import", script, "--skip-bad", DATABASE_URL=target)
    assert (code, read_output(output)[0][APPLICATIONS]) == (0, (2, 0, 0))


def test_journal_beside_a_script_is_told(target, write_script, tmp_path):
    script = write_script(make_script("newest", ROWS))
    (tmp_path / "restcomm.log").write_text("/*C1*/SET SCHEMA PUBLIC\n")
    code, _, errors = run("import", script, DATABASE_URL=target)
    assert code == 2
    assert errors.startswith("restcomm.log: holds changes that are not in the script yet")
    code, _, errors = run("import", script, "--skip-bad", DATABASE_URL=target)
    assert code == 0
    (tmp_path / "restcomm.log").write_text("")
    assert import_into(target, script) == (counts_of(ROWS, 2), [])


@pytest.mark.parametrize("age", AGES)
def test_import_of_an_account_takes_what_belongs_to_it(target, write_script, age):
    script = write_script(make_script(age, ROWS))
    import_into(target, script, "--account", CHILD["sid"])
    taken = read_rows(target, ROWS)
    assert [row["sid"] for row in taken[ACCOUNTS]] == [CHILD["sid"]]
    for table in (APPLICATIONS, NUMBERS, CLIENTS):
        own = sorted(r["sid"] for r in ROWS[table] if r["account_sid"] == CHILD["sid"])
        assert [row["sid"] for row in taken[table]] == own


def test_import_of_accounts_takes_their_organizations_only(target, write_script):
    theirs, foreign = (
        TABLES[ORGANIZATIONS][0] | {"sid": "OR" + digit * 32, "domain_name": f"{digit}.com"}
        for digit in "12"
    )
    stranger = STRANGER | {"organization_sid": theirs["sid"]}
    tables = ROWS | {
        ORGANIZATIONS: [*TABLES[ORGANIZATIONS], theirs, foreign],
        ACCOUNTS: [CHILD, GRANDCHILD, stranger],
    }
    script = write_script(make_script("newest", tables))
    counts, _ = import_into(
        target, script, "--account", STRANGER["sid"], "--account", GRANDCHILD["sid"]
    )
    taken = read_rows(target, ROWS)
    assert {r["sid"] for r in taken[ORGANIZATIONS]} == {ORGANIZATION, theirs["sid"]}
    assert {r["sid"] for r in taken[ACCOUNTS]} == {GRANDCHILD["sid"], STRANGER["sid"]}
    assert counts[APPLICATIONS] == (2, 0, 0)


def test_import_of_an_unknown_account_is_refused(target, write_script):
    script = write_script(make_script("newest", ROWS))
    sid = "AC" + "0" * 32
    code, _, errors = run("import", script, "--account", sid, DATABASE_URL=target)
    assert (code, errors.splitlines()[0]) == (2, f"--account {sid}: the source has no such account")


def test_bad_rows_of_other_accounts_do_not_matter(target, write_script):
    tables = ROWS | {APPLICATIONS: [STRANGERS | {"kind": "too long"}, FULL]}
    script = write_script(make_script("newest", tables))
    counts, _ = import_into(target, script, "--account", CHILD["sid"])
    assert counts[APPLICATIONS] == (1, 0, 0)


@pytest.mark.parametrize(
    "content, word",
    [
        (b"", "neither"),
        (b"\x1f\x8b\x08\x00", "neither"),
        (b"SQLite format 3\x00", "named by its URL"),
        (b'{"format": "another"}\n', "not that of an export"),
        (b'{"format": "restcomm-apps", "version": 2}\n', "version 2"),
        (b'{"format": "restcomm-apps", "version": 1, "timezone": "Asia/Kolkata"}\n', "TIMEZONE"),
        (b"{" * 1000, "not that of an export"),
    ],
)
def test_file_of_another_kind_is_refused(target, tmp_path, content, word):
    path = tmp_path / "restcomm.script"
    path.write_bytes(content)
    check_mistake(run("import", path, DATABASE_URL=target), word)


@pytest.mark.parametrize(
    "source, word",
    [
        ("nothing.script", "No such file"),
        (".", "Is a directory"),
        ("sqlite:///nothing.db", "nothing.db"),
        ("postgres://root@127.0.0.1/restcomm", "allowed is"),
        ("mysql://root@127.0.0.1/", "allowed is"),
        ("mysql://root:secret@127.0.0.1:1/restcomm", "cannot be used"),
        ("mysql://root:x/secret@127.0.0.1/restcomm", "%2F"),
        ("jdbc:mysql://root:secret@127.0.0.1/restcomm", "allowed is"),
        ("root:secret@127.0.0.1/restcomm", "No such file"),
    ],
)
def test_source_that_is_not_there_is_refused(target, source, word):
    outcome = run("import", source, DATABASE_URL=target)
    check_mistake(outcome, word)
    assert "secret" not in outcome[2]


def test_import_of_a_database_of_something_else_is_refused(target, tmp_path):
    path = tmp_path / "other.db"
    with closing(connect_directly(f"sqlite:///{path}")) as connection:
        connection.execute("CREATE TABLE songs (sid TEXT)")
    check_mistake(run("import", f"sqlite:///{path}", DATABASE_URL=target), "none of Restcomm's")


def test_import_into_no_tables_is_refused(database_url, write_script):
    script = write_script(make_script("newest", ROWS))
    check_mistake(run("import", script, DATABASE_URL=database_url), "init-db")


def many_inserts(count):
    """Give lines of a script that holds this many applications."""
    rows = [application_row(number, CHILD) for number in range(count)]
    return [f"{line}\n".encode() for line in make_script("newest", {APPLICATIONS: rows})]


def test_killed_import_leaves_nothing(service, database_url, tmp_path):
    before = service.dump()
    pipe = tmp_path / "restcomm.script"
    os.mkfifo(pipe)
    process = start("import", pipe, DATABASE_URL=database_url)
    # What a pipe does not hold has been read when this returns: more than one batch of it.
    with open(pipe, "wb", buffering=0) as script:
        script.write(b"".join(many_inserts(5000)))
        assert process.poll() is None
        check_locked(database_url)
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    process.communicate()
    assert service.dump() == before
    # And the next one is not in its way.
    pipe.unlink()
    pipe.write_bytes(b"".join(many_inserts(5000)))
    counts, _ = import_into(database_url, pipe)
    assert counts[APPLICATIONS][0] == 5000 - len(before[APPLICATIONS])


def check_locked(database_url):
    """Assert that another process is amid a transaction that writes applications."""
    with closing(connect_directly(database_url)) as connection:
        if ENGINE == "mariadb":
            modified = "SELECT MAX(trx_rows_modified) FROM information_schema.innodb_trx"
            assert connection.execute(modified).fetchall()[0][0] > 1000
            return
        connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(Exception, match="locked"):
            connection.execute(BEGIN)


@pytest.mark.parametrize("command", ["import", "export"])
def test_progress_bar_shows_on_a_terminal_only(target, source_url, tmp_path, command):
    arguments = [command, source_url if command == "import" else tmp_path / "rows.jsonl"]
    assert "%" not in "".join(run(*arguments, DATABASE_URL=target)[1:])
    main, terminal = pty.openpty()
    code, _, _ = finish(start(*arguments, stderr=terminal, DATABASE_URL=target))
    assert code == 0
    os.close(terminal)
    assert b"100%" in os.read(main, 10000)
    os.close(main)
