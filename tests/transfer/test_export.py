"""``export``: what it writes, that ``import`` reads it back exactly, and what it leaves alone."""

import json
import os
import resource
import stat
from contextlib import closing, contextmanager

import pytest

from restcomm_apps.store.models import TABLES as MODELS

from ..support.command_line import check_mistake, finish, start
from ..support.commands import run, succeed
from ..support.databases import connect_directly
from ..support.documentation import blocks, read
from ..support.imports import APPLICATIONS, ORGANIZATIONS, ROWS, list_replies, read_output
from ..support.rows import CHILD, TABLES, application_row
from ..support.tables import read_rows, replace_rows


@pytest.fixture
def source(database_url):
    """The URL of a database that holds ROWS."""
    succeed("init-db", DATABASE_URL=database_url)
    replace_rows(database_url, ROWS)
    return database_url


@pytest.fixture
def target(make_database_url):
    """The URL of another database with tables and the first organization."""
    url = make_database_url()
    succeed("init-db", DATABASE_URL=url)
    return url


def test_import_of_an_export_gives_the_same_rows_and_replies(source, target, tmp_path):
    path = tmp_path / "rows.jsonl"
    assert succeed("export", path, DATABASE_URL=source) == ""
    succeed("import", path, DATABASE_URL=target)
    assert read_rows(target, ROWS) == read_rows(source, ROWS)
    assert list_replies(target) == list_replies(source)
    counts, notes = read_output(succeed("import", path, DATABASE_URL=source))
    assert counts == {table: (0, 0, len(rows)) for table, rows in ROWS.items()}
    assert notes == []


def test_export_keeps_fractions_of_dates(source, target, tmp_path):
    dated = application_row(50, CHILD, date_created="2016-05-01 10:00:00.000001")
    replace_rows(source, {APPLICATIONS: [dated]})
    path = tmp_path / "rows.jsonl"
    succeed("export", path, DATABASE_URL=source)
    succeed("import", path, DATABASE_URL=target)
    assert read_rows(target, [APPLICATIONS]) == read_rows(source, [APPLICATIONS])


def test_export_is_what_the_documentation_shows(source):
    replace_rows(source, {table: [] for table in ROWS} | {ORGANIZATIONS: TABLES[ORGANIZATIONS]})
    assert blocks(read("docs/moving.md"), "json") == [succeed("export", DATABASE_URL=source)]


def test_export_to_standard_output_is_the_same(source, tmp_path):
    path = tmp_path / "rows.jsonl"
    succeed("export", path, DATABASE_URL=source)
    assert succeed("export", DATABASE_URL=source) == path.read_text(encoding="ascii")
    assert succeed("export", "-", DATABASE_URL=source) == path.read_text(encoding="ascii")


def test_export_is_for_its_owner_only(source, tmp_path):
    path = tmp_path / "rows.jsonl"
    succeed("export", path, DATABASE_URL=source)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path).count("rows.jsonl") == 1
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_export_of_a_row_that_no_import_takes_loses_nothing(source, target, tmp_path):
    odd = application_row(50, CHILD, account_sid="nobody")
    replace_rows(source, {APPLICATIONS: [odd]})
    path = tmp_path / "rows.jsonl"
    succeed("export", path, DATABASE_URL=source)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    [row] = [line["row"] for line in lines if line.get("table") == APPLICATIONS]
    assert (row["sid"], row["account_sid"]) == (odd["sid"], "nobody")
    code, _, errors = run("import", path, DATABASE_URL=target)
    assert code == 2
    assert "account_sid must be 34 letters and digits: 'nobody'" in errors


def test_export_is_of_one_moment(source):
    rows = [application_row(number, CHILD) for number in range(2000)]
    replace_rows(source, {APPLICATIONS: rows})
    # A pipe that nobody reads holds the export up, amid its rows.
    process = start("export", DATABASE_URL=source)
    assert json.loads(process.stdout.readline())["format"] == "restcomm-apps"
    replace_rows(source, {table: [] for table in ROWS})
    code, output, errors = finish(process)
    assert (code, errors) == (0, "")
    counts = json.loads(output.splitlines()[-1])["rows"]
    assert counts == {table: len(kept) for table, kept in (ROWS | {APPLICATIONS: rows}).items()}


@contextmanager
def file_size_limit(size):
    """Let this process write no file longer than this, in bytes: a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_export_that_fails_leaves_the_old_file(source, tmp_path):
    replace_rows(source, {APPLICATIONS: [application_row(n, CHILD) for n in range(500)]})
    path = tmp_path / "rows.jsonl"
    path.write_text("the last export\n")
    before = sorted(os.listdir(tmp_path))
    with file_size_limit(100_000):
        outcome = run("export", path, DATABASE_URL=source)
    check_mistake(outcome, str(path), "File too large")
    assert path.read_text() == "the last export\n"
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    "name, word",
    [("folder", "is no file"), ("nowhere/rows.jsonl", "No such file"), ("pipe", "is no file")],
)
def test_export_to_what_is_no_file_is_refused(source, tmp_path, name, word):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    check_mistake(run("export", tmp_path / name, DATABASE_URL=source), word)
    assert (tmp_path / "pipe").is_fifo()


def test_export_without_tables_is_refused(database_url):
    check_mistake(run("export", DATABASE_URL=database_url), "init-db")


@pytest.fixture
def export_lines(source):
    """The lines of an export of ROWS."""
    return succeed("export", DATABASE_URL=source).splitlines()


def _cut_off(lines):
    del lines[-1]
    return "its end: the file is cut off: its last line is missing"


def _cut_off_in_a_line(lines):
    del lines[5:]
    lines[4] = lines[4][:30]
    return "line 5: the line holds no row of a known table"


def _lose_a_line(lines):
    del lines[7]
    return f"line {len(lines)}: the file should hold"


def _go_on(lines):
    lines.append(lines[3])
    return f"line {len(lines)}: the file goes on behind its last line"


def _invent_a_table(lines):
    lines[3] = lines[3].replace("restcomm_accounts", "restcomm_songs")
    return "line 4: the line holds no row of a known table"


def _make_a_list(lines):
    lines[3] = "[]"
    return "line 4: the line holds no row of a known table"


def _make_the_table_a_list(lines):
    lines[3] = '{"table":[],"row":{}}'
    return "line 4: the line holds no row of a known table"


def _nest_deeply(lines):
    lines[3] = "[" * 100_000
    return "line 4: the line holds no row of a known table"


def _spoil_a_value(lines):
    lines[2] = lines[2].replace('"status":"active"', '"status":["active"]')
    return "line 3"


@pytest.mark.parametrize(
    "spoil",
    [
        _cut_off,
        _cut_off_in_a_line,
        _lose_a_line,
        _go_on,
        _invent_a_table,
        _make_a_list,
        _make_the_table_a_list,
        _nest_deeply,
        _spoil_a_value,
    ],
)
def test_import_of_a_spoilt_export_takes_nothing(export_lines, target, tmp_path, spoil):
    named = spoil(export_lines)
    path = tmp_path / "spoilt.jsonl"
    path.write_text("\n".join(export_lines) + "\n")
    before = read_rows(target, ROWS)
    code, output, errors = run("import", path, DATABASE_URL=target)
    assert (code, output) == (2, "")
    assert errors.startswith(named)
    assert read_rows(target, ROWS) == before


def test_import_of_an_export_of_another_zone_is_refused(source, target, tmp_path):
    path = tmp_path / "rows.jsonl"
    succeed("export", path, DATABASE_URL=source, TIMEZONE="Asia/Kolkata")
    outcome = run("import", path, DATABASE_URL=target)
    check_mistake(outcome, "dates of Asia/Kolkata, and the setting TIMEZONE is UTC")
    succeed("import", path, DATABASE_URL=target, TIMEZONE="Asia/Kolkata")


def test_export_of_an_older_database_has_the_columns_it_has(source, target, tmp_path):
    with closing(connect_directly(source)) as connection:
        connection.execute("ALTER TABLE restcomm_clients DROP COLUMN password_algorithm")
        connection.commit()
    path = tmp_path / "rows.jsonl"
    succeed("export", path, DATABASE_URL=source)
    assert "password_algorithm" not in path.read_text()
    succeed("import", path, DATABASE_URL=target)
    assert read_rows(target, ROWS).keys() == {model._meta.table_name for model in MODELS}
    assert len(read_rows(target, ROWS)["restcomm_clients"]) == len(TABLES["restcomm_clients"])
