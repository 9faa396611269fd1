"""What the measurements in bench/ say is what was measured; docs/performance.md has figures."""

import json
import re
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from importlib import import_module

import pytest

from restcomm_apps import create_app
from restcomm_apps.store.database import database

from ..support.documentation import ROOT

HEADS, CHANGES = "restcomm_apps_change_heads", "restcomm_apps_changes"
WRK = """\
Running 1s test @ http://127.0.0.1:8080/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.80ms  650.00us  15.99ms   90.99%
    Req/Sec     4.52k   501.10     5.10k    90.00%
  Latency Distribution
     50%    1.65ms
     75%    1.90ms
     90%    2.30ms
     99%    {p99}
  4521 requests in 1.00s, 4.41MB read
Requests/sec:   4515.46
Transfer/sec:      4.41MB
"""


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
        repeated = loop.run(0.5).rate * 0.5
        assert repeated >= 1
        assert count_rows(trail) == [count + repeated for count in present]
    finally:
        database.close()


def count_rows(trail):
    """Count the applications and, where there is a trail, its changes."""
    tables = ["restcomm_applications", *{CHANGES}.intersection(trail)]
    return [database.execute_sql(f"SELECT COUNT(*) FROM {each}").fetchone()[0] for each in tables]


def test_before_serves_the_same_database(bench, database_url, tmp_path, monkeypatch):
    common = bench("common")
    common.fill(database_url, 200)
    (tmp_path / "before").write_text(f'exec {sys.executable} -m restcomm_apps "$@"\n')
    monkeypatch.chdir(tmp_path)
    servers = common.servers("sh before serve --bind 127.0.0.1:$PORT", database_url, AUDIT="off")
    with ExitStack() as stack:
        ports = {name: stack.enter_context(server)[0] for name, server in servers.items()}
        lists = {name: read_list(common, port) for name, port in ports.items()}
    assert list(lists) == ["service", "before"]
    assert len(set(ports.values())) == 2
    assert lists["before"] == lists["service"]
    assert len(lists["service"]) == 100


def read_list(common, port):
    """Read the applications of account 1."""
    url = f"http://127.0.0.1:{port}{common.BASE}/{common.account_sid(1)}/Applications.json"
    request = urllib.request.Request(url, headers={"Authorization": common.authorization(1)})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def test_service_is_measured_without_an_earlier_one(bench, database_url):
    assert list(bench("common").servers(None, database_url)) == ["service"]


def test_server_that_does_not_start_is_named(bench):
    with pytest.raises(SystemExit, match="did not start: exit 3"):
        with bench("common").served("exit 3"):
            pass


@pytest.mark.parametrize(
    "p99, milliseconds", [("612.00us", 0.612), ("4.20ms", 4.2), ("1.34s", 1340), ("1.00m", 60_000)]
)
def test_load_is_read_from_wrk(bench, p99, milliseconds):
    load = bench("common").read_load(WRK.format(p99=p99))
    assert load == (4515.46, pytest.approx(milliseconds))


def test_ratios_are_those_within_a_round(bench):
    load, comparison = bench("common").Load, bench("comparison")
    # A machine that becomes ten times as slow.
    loads = {
        "service": [load(3000, 2), load(900, 8), load(300, 20)],
        "before": [load(1500, 3), load(300, 9), load(100, 30)],
        "loop": [load(6000), load(1800), load(600)],
    }
    assert comparison.ratios(loads) == {"before": 3, "loop": 0.5}
    heading, line = comparison.heading("create", list(loads)), comparison.line("off", loads)
    assert len(heading) == len(line) <= 100
    assert line.split() == ["off", "3.00", "0.50", "|", "900", "8.0", "300", "9.0", "1800", "-"]
    assert heading.split()[:3] == ["create", "service/before", "service/loop"]


def test_journeys_are_counted():
    ran = subprocess.run(
        [sys.executable, "bench/journeys.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    counts = re.findall(r"(\d+) modules +(\d+) changes", ran.stdout)
    assert len(counts) == 3
    assert all(5 < int(modules) < int(changes) for modules, changes in counts)


def test_cpu_is_that_of_one_application(bench, database_url):
    cpu, common = bench("cpu"), bench("common")
    common.fill(database_url, 200)
    app = create_app({"RESTCOMM_APPS_DATABASE_URL": database_url})
    shown = json.loads(cpu.answer(app, cpu.make_environ(f"{cpu.ONE}.json")))
    assert shown["friendly_name"] == "Application 1"
    assert cpu.answer(cpu.make_plain_app(), cpu.make_environ("/")) == b""
    assert cpu.time_requests(app, f"{cpu.ONE}.json", 2) > 0
