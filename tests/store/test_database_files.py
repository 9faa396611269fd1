"""The files of a SQLite database: only their owner may read them, whoever makes them."""

import os
import re
import socket
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from restcomm_apps.store.files import create_private, find_exposed

from ..support.command_line import check_mistake, run, succeed
from ..support.databases import connect_directly
from ..support.documentation import read
from ..support.rows import CHILD, TABLES, account_row
from ..support.service import BASE

pytestmark = pytest.mark.sqlite

NEW = account_row("new")["email_address"]


@pytest.fixture(autouse=True)
def no_umask():
    """Takes no permission away, as the umask of a container may not."""
    former = os.umask(0)
    yield
    os.umask(former)


@pytest.fixture
def path(database_url):
    """The path of the database, which is not there yet."""
    return Path(database_url.removeprefix("sqlite:///"))


def modes(path):
    """Give {suffix: permissions} of a database's files."""
    return {
        each.name.removeprefix(path.name): oct(stat.S_IMODE(each.stat().st_mode))
        for each in path.parent.glob(path.name + "*")
    }


def test_files_of_a_running_service_are_private(make_service, path):
    service = make_service()
    service.insert(TABLES)
    assert service.request("GET", f"/Accounts/{CHILD['sid']}", CHILD).status_code == 200
    assert modes(path) == {"": "0o600", "-wal": "0o600", "-shm": "0o600"}


def test_file_that_is_moved_away_is_not_made_anew(make_service, path):
    service = make_service()
    service.insert(TABLES)
    service.close()
    moved = path.rename(path.with_suffix(".moved"))
    assert service.client.get(f"{BASE}/Health").status_code == 503
    assert service.request("GET", f"/Accounts/{CHILD['sid']}", CHILD).status_code == 503
    assert not path.exists()
    moved.rename(path)
    assert service.request("GET", f"/Accounts/{CHILD['sid']}", CHILD).status_code == 200


@pytest.mark.parametrize("is_replaced", [False, True], ids=["moved", "replaced"])
def test_nothing_is_written_to_a_file_that_is_moved_away(service, path, is_replaced):
    applications = f"/Accounts/{CHILD['sid']}/Applications"
    form = {"FriendlyName": "kept"}
    assert service.request("POST", applications, CHILD, data=form).status_code == 200
    moved = path.rename(path.with_suffix(".moved"))
    if is_replaced:
        path.write_bytes(moved.read_bytes())
    else:
        assert service.client.get(f"{BASE}/Health").status_code == 503
    assert service.request("POST", applications, CHILD, data=form).status_code == 503
    if not is_replaced:
        moved.rename(path)
    assert service.request("POST", applications, CHILD, data=form).status_code == 200
    assert service.client.get(f"{BASE}/Health").status_code == 200


@pytest.mark.parametrize("command", [("init-db",), ("init-db", "--first-account")], ids=" ".join)
def test_command_that_makes_the_file_makes_it_private(database_url, path, command):
    succeed(*command, DATABASE_URL=database_url)
    assert modes(path) == {"": "0o600"}


@pytest.mark.parametrize(
    "command",
    [
        *(("add-account", NEW), ("rotate-token", NEW), ("apply", "FILE", "--account", NEW)),
        *(("serve",), ("import", "FILE"), ("export",), ("restore", "AP"), ("check-db",)),
        *(("audit", "list"), ("audit", "export"), ("audit", "verify")),
    ],
    ids=" ".join,
)
def test_other_commands_make_no_file_and_name_it(database_url, path, tmp_path, command):
    file = tmp_path / "rows.csv"
    file.write_text("FriendlyName\n")
    command = [file if each == "FILE" else each for each in command]
    check_mistake(run(*command, DATABASE_URL=database_url), f"{path} ", "restcomm-apps init-db")
    assert modes(path) == {}


def test_a_link_that_leads_nowhere_is_followed(path, tmp_path):
    target = tmp_path / "target.db"
    path.symlink_to(target)
    succeed("init-db", DATABASE_URL=f"sqlite:///{path}")
    assert modes(target) == {"": "0o600"}
    assert path.is_symlink()


def test_a_file_that_is_there_keeps_its_permissions(path):
    path.touch(0o644)
    succeed("init-db", DATABASE_URL=f"sqlite:///{path}")
    assert modes(path) == {"": "0o644"}


def test_create_private_takes_no_lock_away(database_url, path):
    with closing(connect_directly(database_url)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        create_private(str(path))
        lock = "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0).execute('BEGIN IMMEDIATE')"
        command = [sys.executable, "-c", lock, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert "database is locked" in done.stderr


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_find_exposed_names_each_file_that_is_not_private(path, mode):
    path.touch(0o600)
    log = Path(f"{path}-wal")
    log.touch()
    log.chmod(mode)
    assert find_exposed(str(path)) == [str(log)]
    log.chmod(0o600)
    assert find_exposed(str(path)) == []


def test_serve_and_check_db_warn_of_readers(database_url, path):
    succeed("init-db", DATABASE_URL=database_url)
    path.chmod(0o644)
    code, _, errors = run("check-db", DATABASE_URL=database_url)
    assert code == 0
    assert re.fullmatch(rf"restcomm-apps: [^\n]+ chmod 600 {re.escape(str(path))}\n", errors)
    # Nothing is served on a port that is taken; the warning comes before.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bind = f"127.0.0.1:{listener.getsockname()[1]}"
        _, _, serving = run("serve", "--bind", bind, DATABASE_URL=database_url)
    # With the files that serve has open beside it.
    assert re.match(rf"restcomm-apps: [^\n]+ chmod 600 {re.escape(str(path))}[ \n]", serving)
    assert modes(path) == {"": "0o644"}
    path.chmod(0o600)
    assert run("check-db", DATABASE_URL=database_url)[2] == ""


def test_a_file_that_cannot_be_made_is_a_mistake(tmp_path):
    url = f"sqlite:///{tmp_path}/missing/x.db"
    check_mistake(run("init-db", DATABASE_URL=url), "unable to open database file")


def test_the_unit_of_systemd_takes_every_permission_from_others():
    assert "\nUMask=0077\n" in read("deploy/restcomm-apps.service")
