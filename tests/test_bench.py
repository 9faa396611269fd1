"""What the measurements in bench/ say is what was measured; docs/performance.md has figures."""

from importlib import import_module

import pytest

from restcomm_apps.database import database

from .documentation import ROOT

HEADS, CHANGES = "restcomm_apps_change_heads", "restcomm_apps_changes"


@pytest.fixture
def bench(monkeypatch):
    """A function that imports a module of bench/."""
    monkeypatch.syspath_prepend(ROOT / "bench")
    return import_module


def tables_of(statements):
    """Name the table that each statement is about."""
    words = [sql.replace("`", '"').split('"') for sql, _ in statements]
    return [next(word for word in each if word.startswith("restcomm_")) for each in words]


@pytest.mark.parametrize(
    "audit, trail",
    [("required", [HEADS, CHANGES, HEADS]), ("off", [])],
)
def test_loop_repeats_the_statements_of_a_create(bench, database_url, audit, trail):
    bench("common").fill(database_url, 200)
    loop = bench("writes").Loop(database_url, audit)
    try:
        assert tables_of(loop.look_ups) == ["restcomm_accounts"]
        assert tables_of(loop.changes) == ["restcomm_accounts", "restcomm_applications", *trail]
        present = count_rows(trail)
        repeated = loop.run(0.5) * 0.5
        assert repeated >= 1
        assert count_rows(trail) == [count + repeated for count in present]
    finally:
        database.close()


def count_rows(trail):
    """Count the applications and, where there is a trail, its changes."""
    tables = ["restcomm_applications", *{CHANGES}.intersection(trail)]
    return [database.execute_sql(f"SELECT COUNT(*) FROM {each}").fetchone()[0] for each in tables]
