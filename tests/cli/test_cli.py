"""The command line, run as an operator runs it: what each command does, and one sentence for each
mistake.
"""

import hashlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from restcomm_apps import __version__, config
from restcomm_apps.cli.group import PLACES, commands
from restcomm_apps.store.models import Account, Client

from ..support.command_line import (
    CONSOLE_SCRIPT,
    MODULE,
    check_mistake,
    finish,
    run,
    start,
    succeed,
)
from ..support.databases import connect_directly
from ..support.document import make_certificate
from ..support.rows import CHILD, ORGANIZATION, PARENT, TABLES, account_row
from ..support.service import Service, free_port
from ..support.tables import read_rows

FIRST_SID = "ACae6e420f425248d6a26948c17a9e2acf"
NEW = account_row("new")
EMAIL = NEW["email_address"]


@pytest.fixture(scope="module")
def ready_url(make_database_url):
    """The URL of a database with tables and the usual rows, for commands that change nothing."""
    database_url = make_database_url()
    with closing(Service(database_url)) as service:
        service.insert(TABLES)
    return database_url


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Paths by name: a certificate, its key, another's key, what is no PEM, a folder, nothing."""
    folder, other = tmp_path_factory.mktemp("tls"), tmp_path_factory.mktemp("other")
    certificate, key = make_certificate(folder)
    garbage = folder / "garbage.pem"
    garbage.write_text("not a certificate\n")
    return {
        "CERTIFICATE": certificate,
        "KEY": key,
        "OTHER_KEY": make_certificate(other)[1],
        "GARBAGE": garbage,
        "FOLDER": folder,
        "NOTHING": folder / "nothing.pem",
    }


@pytest.fixture
def add_account(service, database_url):
    """A function that adds NEW with options; gives its credentials and the service's view of it."""

    def add(*options):
        printed = succeed("add-account", EMAIL, *options, DATABASE_URL=database_url)
        match = re.fullmatch(r"sid:   (AC[0-9a-f]{32})\ntoken: ([0-9a-f]{32})\n", printed)
        assert match[1] == NEW["sid"]
        credentials = {"sid": match[1], "auth_token": match[2]}
        reply = service.request("GET", f"/Accounts/{match[1]}.json", credentials)
        assert reply.status_code == 200
        return credentials, json.loads(reply.data)

    return add


def listed_options(shown):
    """List the options that a help text describes."""
    lines = re.findall(r"^  (-\S+?)(?:, (--\S+))?(?=\s)", shown, re.MULTILINE)
    return {option for line in lines for option in line if option}


@pytest.mark.parametrize("name", PLACES)
def test_help_of_a_command_lists_its_options(name):
    command = commands.get_command(None, name)
    options = {option for parameter in command.params for option in parameter.opts}
    options = {option for option in options if option.startswith("-")}
    assert listed_options(succeed(name, "--help")) == options | {"-h", "--help"}


def test_help_lists_options_and_commands():
    shown = succeed("-h")
    assert listed_options(shown) == {"-h", "--help", "--version"}
    listed = re.findall(r"^  (\S+)  +[A-Z]", shown.partition("Commands:")[2], re.MULTILINE)
    assert listed == sorted(PLACES)


@pytest.mark.parametrize("name", PLACES)
def test_list_of_commands_says_what_each_says_of_itself(name):
    # What is left for it on 80 columns.
    limit = 78 - 6 - max(map(len, PLACES))
    assert PLACES[name].summary == commands.get_command(None, name).get_short_help_str(limit)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_little(option):
    check = (
        "import sys, restcomm_apps.__main__ as program\n"
        f"sys.argv[1:] = [{option!r}]\n"
        "try:\n    program.main()\n"
        "except SystemExit:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    imported = set(ran.stderr.split())
    assert "click" in imported
    assert imported.isdisjoint({"flask", "peewee", "limits", "pymysql", "gevent", "gunicorn"})


def test_run_without_a_command_shows_the_help():
    code, output, errors = run()
    assert (code, output) == (2, "")
    assert errors == succeed("--help")


def test_console_script_is_the_same_program():
    version = f"restcomm-apps, version {__version__}\n"
    assert succeed("--version", program=CONSOLE_SCRIPT) == version
    assert succeed("--version") == version


@pytest.mark.parametrize("program", [MODULE, CONSOLE_SCRIPT], ids=["module", "script"])
def test_run_with_an_unknown_command_is_refused(program):
    check_mistake(run("destroy", program=program), "destroy")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--verbose",),
        *((name, "--verbose") for name in PLACES),
        ("init-db", "--verbose=1"),
    ],
    ids=" ".join,
)
def test_run_with_an_unknown_option_is_refused(arguments):
    check_mistake(run(*arguments), "--verbose")


@pytest.mark.parametrize("name", ["init-db", "serve", "settings"])
def test_run_with_an_argument_too_many_is_refused(name):
    check_mistake(run(name, "surplus"), "surplus")


def test_init_db_twice_keeps_rows(service, database_url):
    before = service.dump()
    assert succeed("init-db", DATABASE_URL=database_url) == ""
    assert succeed("init-db", DATABASE_URL=database_url) == ""
    assert service.dump() == before


def test_init_db_adds_a_missing_table_and_keeps_the_others(service, database_url):
    rows = service.dump()
    Client.drop_table()
    succeed("init-db", DATABASE_URL=database_url)
    assert service.dump() == rows | {Client._meta.table_name: []}


def test_first_account_can_call_with_the_printed_line(make_gunicorn):
    gunicorn = make_gunicorn()
    gunicorn.start()
    check_first_account(gunicorn.run("init-db", "--first-account"))


def check_first_account(printed):
    """Assert that the line that begins with curl lists no applications as JSON."""
    (line,) = re.findall(r"^curl .*$", printed, re.MULTILINE)
    done = subprocess.run(["sh", "-c", f"{line} -sSi"], capture_output=True, text=True, timeout=60)
    head, _, body = done.stdout.partition("\n\n")
    assert (done.returncode, done.stderr, body) == (0, "", "[]")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "\nContent-Type: application/json\n" in head


@pytest.mark.parametrize(
    ("kind", "program"),
    [("port", MODULE), ("socket file", CONSOLE_SCRIPT)],
    ids=["port", "socket file"],
)
def test_serve_listens_where_the_setting_says(database_url, tmp_path, kind, program):
    bind = f"0.0.0.0:{free_port()}" if kind == "port" else f"unix:{tmp_path}/a 'socket"
    settings = {"DATABASE_URL": database_url, "BIND": bind}
    printed = succeed("init-db", "--first-account", **settings)
    process = start("serve", "--workers", "1", program=program, **settings)
    try:
        wait_for(process.stderr, "Booting worker")
        check_first_account(printed)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        finish(process)


@pytest.mark.parametrize(
    ("bind", "origin"),
    [
        ("[::]:81", "http://[::1]:81"),
        ("[::1]:81", "http://[::1]:81"),
        ("h:81", "http://h:81"),
    ],
)
def test_first_account_is_told_where_serve_listens(database_url, bind, origin):
    printed = succeed("init-db", "--first-account", DATABASE_URL=database_url, BIND=bind)
    assert f" {origin}/restcomm/2012-04-24/Accounts/" in printed


def test_first_account_is_added_once(database_url):
    first = succeed("init-db", "--first-account", DATABASE_URL=database_url)
    assert succeed("init-db", "--first-account", DATABASE_URL=database_url) == ""
    with closing(connect_directly(database_url)) as connection:
        rows = connection.execute(
            "SELECT sid, email_address, parent_sid, role, status, auth_token FROM restcomm_accounts"
        ).fetchall()
    token = re.search(rf"^curl -u {FIRST_SID}:([0-9a-f]{{32}}) http", first, re.MULTILINE)[1]
    assert rows == [
        (FIRST_SID, "administrator@company.com", None, "Administrator", "active", token)
    ]


def test_first_account_is_not_added_beside_others(service, database_url):
    before = service.dump()
    assert succeed("init-db", "--first-account", DATABASE_URL=database_url) == ""
    assert service.dump() == before


def test_first_account_gets_a_new_token_each_time_and_the_root_path(make_database_url):
    tokens = set()
    for _ in range(2):
        printed = succeed(
            "init-db", "--first-account", DATABASE_URL=make_database_url(), ROOT_PATH="/a/b"
        )
        tokens |= set(re.findall(rf"^curl -u {FIRST_SID}:([0-9a-f]{{32}}) ", printed, re.MULTILINE))
        assert printed.endswith(
            f" http://127.0.0.1:8080/a/b/2012-04-24/Accounts/{FIRST_SID}/Applications.json\n"
        )
    assert len(tokens) == 2


def test_add_account_without_options_adds_an_administrator(add_account):
    credentials, account = add_account()
    row = Account.get_by_id(NEW["sid"])
    assert account == account | {
        "sid": NEW["sid"],
        "friendly_name": EMAIL,
        "email_address": EMAIL,
        "status": "active",
        "role": "Administrator",
        "auth_token": credentials["auth_token"],
    }
    assert (row.parent_sid, row.organization_sid) == (None, ORGANIZATION)
    assert row.uri == f"/2012-04-24/Accounts/{NEW['sid']}"


def test_add_account_with_all_options(service, add_account):
    _, account = add_account(
        "--name", "Zoë & sons", "--parent", CHILD["sid"], "--role", "Developer"
    )
    assert (account["friendly_name"], account["role"]) == ("Zoë & sons", "Developer")
    reply = service.request("GET", "/Accounts.json", CHILD)
    assert NEW["sid"] in [each["sid"] for each in json.loads(reply.data)]


def test_add_account_with_a_role_of_the_setting(service, database_url):
    arguments = ("add-account", EMAIL, "--role", "Clerk")
    succeed(*arguments, DATABASE_URL=database_url, ROLES="Clerk=RestComm:Read:Applications")
    assert Account.get_by_id(NEW["sid"]).role == "Clerk"


def check_password(service, credentials, password):
    """Assert that a new account may call with its password, and is known by it alone."""
    assert credentials["auth_token"] == hashlib.md5(password.encode()).hexdigest()
    for name in (NEW["sid"], EMAIL):
        account = {"sid": name, "auth_token": password}
        assert service.request("GET", f"/Accounts/{name}.json", account).status_code == 200
    wrong = {"sid": NEW["sid"], "auth_token": password.upper()}
    assert service.request("GET", f"/Accounts/{NEW['sid']}", wrong).status_code == 401


def test_add_account_with_a_password_says_who_can_read_it(service, database_url):
    arguments = ("add-account", EMAIL, "--password", "café: 12")
    code, output, errors = run(*arguments, DATABASE_URL=database_url)
    assert code == 0
    assert "--password-stdin" in errors and "café" not in errors
    check_password(service, {"auth_token": output.split()[-1]}, "café: 12")


def test_add_account_of_a_long_address_cuts_its_name(service, database_url):
    email = f"{'x' * 70}@example.com"
    succeed("add-account", email, DATABASE_URL=database_url)
    assert Account.get(Account.email_address == email).friendly_name == email[:64]


@pytest.mark.parametrize("line", ["café: 12", "café: 12\n", "café: 12\r\n", "café: 12\nignored"])
def test_add_account_reads_a_password_from_its_input(service, database_url, tmp_path, line):
    path = tmp_path / "password"
    path.write_bytes(line.encode())
    with open(path, "rb") as stdin:
        arguments = ("add-account", EMAIL, "--password-stdin")
        outcome = finish(start(*arguments, stdin=stdin, DATABASE_URL=database_url))
    code, output, errors = outcome
    assert (code, errors) == (0, "")
    check_password(service, {"auth_token": output.split()[-1]}, "café: 12")


@pytest.mark.parametrize(
    "typed",
    [("secret12", "secret12"), ("secret12", "sceret12", "secret12", "secret12")],
    ids=["agreeing", "disagreeing-first"],
)
def test_add_account_asks_for_a_password(service, database_url, typed):
    """Without showing it, and twice, until both agree."""
    ours, theirs = pty.openpty()
    with open(ours, "r+b", buffering=0) as terminal, open(theirs, "rb", buffering=0) as stdin:
        process = start("add-account", EMAIL, "--password", stdin=stdin, DATABASE_URL=database_url)
        prompts = ["Password: ", "Repeat for confirmation: "] * (len(typed) // 2)
        for prompt, answer in zip(prompts, typed):
            wait_for(process.stderr, prompt)
            terminal.write(f"{answer}\n".encode())
        code, output, _ = finish(process)
        os.set_blocking(ours, False)
        assert b"secret" not in (terminal.read(1000) or b"")
    assert code == 0
    token = re.search(r"^sid:   AC\S+\ntoken: (\S+)\n\Z", output, re.MULTILINE)[1]
    check_password(service, {"auth_token": token}, "secret12")


def wait_for(stream, text):
    """Read from an unbuffered end of a pipe until it gives this text."""
    seen = b""
    while not seen.endswith(text.encode()):
        readable, _, _ = select.select([stream], [], [], 30)
        assert readable, f"{text!r} did not come after {seen!r}"
        octets = os.read(stream.fileno(), 1)
        assert octets, f"{text!r} did not come before the end of {seen!r}"
        seen += octets


@pytest.mark.parametrize(
    "arguments, word",
    [
        ((), "EMAIL"),
        (("nobody",), "'nobody'"),
        (("",), "''"),
        (("@example.com",), "'@example.com'"),
        (("a b@example.com",), "'a b@example.com'"),
        (("a:b@example.com",), "'a:b@example.com'"),
        (("a@b@example.com",), "'a@b@example.com'"),
        (("a/b@example.com",), "'a/b@example.com'"),
        ((PARENT["email_address"],), PARENT["email_address"]),
        ((EMAIL, "--name", ""), "--name"),
        ((EMAIL, "--name", "x" * 65), "--name"),
        ((EMAIL, "--parent", "AC" + "0" * 32), "AC" + "0" * 32),
        # As from an unset variable of a script; without a parent it would be a top account.
        ((EMAIL, "--parent", ""), "--parent"),
        ((EMAIL, "--role", "Pilot"), "Pilot"),
        ((EMAIL, "--role", ""), "--role"),
        ((EMAIL, "--name", "a\x1bb"), "--name"),
        ((EMAIL, "--password", ""), "--password"),
        ((EMAIL, "--password", "x" * 7), "8 to 128"),
        ((EMAIL, "--password", "x" * 129), "8 to 128"),
        ((EMAIL, "--password-stdin"), "--password-stdin"),
        ((EMAIL, "--password-stdin", "--password", "x"), "--password-stdin"),
    ],
    ids=[
        "no-email",
        "no-at",
        "empty-email",
        "no-local-part",
        "space",
        "colon",
        "two-ats",
        "slash",
        "duplicate",
        "empty-name",
        "long-name",
        "unknown-parent",
        "empty-parent",
        "unknown-role",
        "empty-role",
        "control-in-name",
        "empty-password",
        "short-password",
        "long-password",
        "empty-input",
        "two-passwords",
    ],
)
def test_add_account_with_a_mistake_changes_nothing(ready_url, arguments, word):
    before = read_rows(ready_url, TABLES)
    check_mistake(run("add-account", *arguments, DATABASE_URL=ready_url), word)
    assert read_rows(ready_url, TABLES) == before


@pytest.mark.parametrize(
    ("option", "parameter", "text"),
    [
        ("--name", "FriendlyName", ""),
        ("--name", "FriendlyName", "x" * 65),
        ("--name", "FriendlyName", "a\x1bb"),
        ("--password", "Password", ""),
        ("--password", "Password", "x" * 7),
        ("--password", "Password", "x" * 129),
    ],
)
def test_add_account_has_the_rules_of_the_api(service, database_url, option, parameter, text):
    form = {"EmailAddress": EMAIL, "Password": "secret12", parameter: text}
    reply = service.request("POST", "/Accounts.json", PARENT, data=form)
    assert reply.status_code == 400
    rule = reply.json["message"].removeprefix(parameter)
    code, output, errors = run("add-account", EMAIL, option, text, DATABASE_URL=database_url)
    assert (code, output, errors) == (2, "", f"restcomm-apps: {option}{rule}.\n")


def test_settings_lists_each_with_its_origin(tmp_path):
    path = tmp_path / "restcomm-apps.ini"
    path.write_text("[restcomm-apps]\nlog_level = debug\naccess = lineage\n")
    shown = succeed("settings", CONFIG=str(path), ACCESS="owner", ROOT_PATH="/")
    chosen = {
        "LOG_LEVEL": ("debug", str(path)),
        "ACCESS": ("owner", "RESTCOMM_APPS_ACCESS"),
        "ROOT_PATH": ("/", "RESTCOMM_APPS_ROOT_PATH"),
    }
    expected = [
        (each.name, *chosen.get(each.name, (each.default or "(empty)", "default")))
        for each in config.SETTINGS
    ]
    assert re.findall(r"^([A-Z_]+) +(\S+)  \((.+)\)$", shown, re.MULTILINE) == expected
    assert len(shown.splitlines()) == len(expected)


@pytest.mark.parametrize("password", ["secret", "s@secret"], ids=["plain", "with-at"])
def test_settings_masks_the_password_of_a_url(password):
    url = f"mysql://root:{password}@127.0.0.1:3307/restcomm?read_timeout=9"
    shown = succeed("settings", DATABASE_URL=url)
    assert "secret" not in shown
    assert " mysql://root:***@127.0.0.1:3307/restcomm?read_timeout=9 " in shown


@pytest.mark.parametrize("command", ["settings", "init-db", "serve"])
def test_run_with_a_bad_setting_is_refused(command):
    outcome = run(command, DELETE_STATUS="404")
    check_mistake(outcome, "DELETE_STATUS='404'", "RESTCOMM_APPS_DELETE_STATUS", "200 or 204")


@pytest.mark.parametrize(
    "command", [("init-db",), ("add-account", EMAIL), ("serve",)], ids=" ".join
)
def test_run_on_what_is_no_database_is_refused(tmp_path, command):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam,\n" * 100)
    check_mistake(run(*command, DATABASE_URL=f"sqlite:///{path}"), "database")
    assert path.read_text() == "Dear Sir or Madam,\n" * 100


def test_init_db_in_a_missing_folder_is_refused(tmp_path):
    check_mistake(run("init-db", DATABASE_URL=f"sqlite:///{tmp_path}/missing/x.db"), "database")


@pytest.mark.parametrize("command", [("add-account", EMAIL), ("serve",)], ids=" ".join)
def test_run_on_a_database_without_tables_names_init_db(database_url, command):
    check_mistake(run(*command, DATABASE_URL=database_url), "restcomm-apps init-db")


@pytest.mark.parametrize(
    "arguments, word",
    [
        (("--bind", "8080"), "--bind 8080"),
        (("--bind", "localhost"), "--bind localhost"),
        (("--bind", ":8080"), "--bind :8080"),
        (("--bind", "127.0.0.1:http"), "--bind 127.0.0.1:http"),
        (("--bind", "127.0.0.1:65536"), "--bind 127.0.0.1:65536"),
        (("--bind", "::1:8080"), "--bind ::1:8080"),
        (("--bind", "http://127.0.0.1:8080"), "--bind http://127.0.0.1:8080"),
        (("--bind", "unix:"), "--bind unix:"),
        (("--bind",), "--bind"),
        (("--workers", "0"), "--workers"),
        (("--workers", "65"), "--workers"),
        (("--workers", "two"), "--workers"),
        (("--threads", "0"), "--threads"),
        (("--threads", "257"), "--threads"),
        (("--certfile", "CERTIFICATE"), "--keyfile"),
        (("--keyfile", "KEY"), "--certfile"),
        (("--certfile", "NOTHING", "--keyfile", "KEY"), "nothing.pem"),
        (("--certfile", "CERTIFICATE", "--keyfile", "NOTHING"), "nothing.pem"),
        (("--certfile", "FOLDER", "--keyfile", "KEY"), "--certfile"),
        (("--certfile", "GARBAGE", "--keyfile", "KEY"), "--certfile"),
        (("--certfile", "CERTIFICATE", "--keyfile", "GARBAGE"), "--keyfile"),
        (("--certfile", "CERTIFICATE", "--keyfile", "OTHER_KEY"), "--keyfile"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_serve_with_a_mistake_is_refused(ready_url, files, arguments, word):
    arguments = [files.get(argument, argument) for argument in arguments]
    if "--bind" not in arguments:
        arguments += ["--bind", f"127.0.0.1:{free_port()}"]
    check_mistake(run("serve", *arguments, DATABASE_URL=ready_url), word)


@pytest.fixture
def taken_port():
    """A port of 127.0.0.1 on which something else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_serve_on_a_port_in_use_is_refused(ready_url, taken_port):
    outcome = run("serve", "--bind", f"127.0.0.1:{taken_port}", DATABASE_URL=ready_url)
    check_mistake(outcome, f"127.0.0.1:{taken_port}", "in use")


@pytest.mark.parametrize("place", ["option", "setting"])
def test_serve_tells_what_is_wrong_before_it_looks_at_the_port(database_url, taken_port, place):
    bind = f"127.0.0.1:{taken_port}"
    arguments = ("serve", "--bind", bind) if place == "option" else ("serve",)
    settings = {"DATABASE_URL": database_url} | ({} if place == "option" else {"BIND": bind})
    check_mistake(run(*arguments, **settings, ACCESS="all"), "ACCESS='all'")
    check_mistake(run(*arguments, **settings), "restcomm-apps init-db")
    succeed("init-db", **settings)
    name = f"--bind {bind}" if place == "option" else f"BIND={bind}"
    check_mistake(run(*arguments, **settings), name, "in use")
    # The option wins: what the setting names is not looked at.
    if place == "setting":
        check_mistake(run("serve", "--bind", "192.0.2.1:8080", **settings), "--bind 192.0.2.1:8080")


@pytest.mark.parametrize(
    "bind", ["192.0.2.1:8080", "unix:/nonexistent/restcomm-apps.sock"], ids=["foreign", "no-folder"]
)
def test_serve_where_nobody_can_listen_is_refused(ready_url, bind):
    check_mistake(run("serve", "--bind", bind, DATABASE_URL=ready_url), bind)


def test_serve_on_a_socket_file_answers(ready_url, tmp_path):
    path = tmp_path / "restcomm-apps.sock"
    process = start("serve", "--bind", f"unix:{path}", "--workers", "1", DATABASE_URL=ready_url)
    try:
        wait_for(process.stderr, "Booting worker")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(path))
            client.sendall(
                b"GET /restcomm/2012-04-24/Logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            reply = b"".join(iter(lambda: client.recv(4096), b""))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        code, _, _ = finish(process)
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n") and reply.endswith(b"\r\n\r\nOK")
    assert code == 0
    assert not path.exists()


def test_add_account_does_not_double_an_e_mail_address(make_service, database_url):
    # As in databases of old, where a sid was not derived from the address.
    service = make_service()
    service.insert({"restcomm_accounts": [{**PARENT, "sid": "AC" + "1" * 32}]})
    check_mistake(
        run("add-account", PARENT["email_address"], DATABASE_URL=database_url),
        PARENT["email_address"],
    )
    assert Account.select().count() == 1
