"""The settings: where each comes from, what it may be, and a sentence that stops the start where it
cannot be used.
"""

import json
import os
import re
import subprocess
import sys
import time
import traceback
import urllib.error
import zoneinfo
from ipaddress import ip_network

import limits
import pytest

from restcomm_apps import config, create_app
from restcomm_apps.config import CONFIG_FILE, PREFIX, ConfigError

from .support.command_line import check_mistake, run
from .support.databases import connect_directly
from .support.documentation import ROOT

BUILT_IN_ROLES = {
    "Administrator": {("*", "*")},
    "Developer": {("*", "Applications")},
}


def values(**settings):
    """Read settings from variables of these names."""
    return config.values({PREFIX + name: text for name, text in settings.items()})


def refusal(environ):
    """Give the sentence with which the application refuses to be made, of one line."""
    with pytest.raises(ConfigError) as caught:
        create_app(environ)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def write_ini(tmp_path):
    """A function that writes an INI file; gives the environment that names it, and its path."""

    def write(text):
        path = tmp_path / "restcomm-apps.ini"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return {CONFIG_FILE: str(path)}, str(path)

    return write


def test_values_without_settings_are_the_defaults():
    assert config.values({}) == {
        "DATABASE_URL": "sqlite:///restcomm-apps.db",
        "BIND": "127.0.0.1:8080",
        "ROOT_PATH": "/restcomm",
        "TIMEZONE": zoneinfo.ZoneInfo("UTC"),
        "DELETE_STATUS": 204,
        "ACCESS": "owner",
        "ROLES": BUILT_IN_ROLES,
        "TOKEN_IN_REPLIES": True,
        "ON_REMOVE": "unbind",
        "AUDIT": "auto",
        "CORS_ORIGINS": set(),
        "LOGIN_LIMIT": limits.parse("10/minute"),
        "TRUSTED_PROXIES": (),
        "MAX_BODY_BYTES": 1048576,
        "LOG_LEVEL": "info",
    }


def test_variables_of_others_are_ignored():
    environ = {"ROOT_PATH": "/x", "restcomm_apps_ROOT_PATH": "/x", "RESTCOMM_APPSROOT_PATH": "/x"}
    assert config.values(environ) == config.values({})


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("DATABASE_URL", "sqlite:////var/lib/a b.db", "sqlite:////var/lib/a b.db"),
        ("BIND", "[::1]:65535", "[::1]:65535"),
        ("BIND", "apps.example:0", "apps.example:0"),
        ("BIND", "unix:/run/a b.sock", "unix:/run/a b.sock"),
        ("ROOT_PATH", "/", ""),
        ("ROOT_PATH", "/restcomm/", "/restcomm"),
        ("ROOT_PATH", "/a/b-c_d~e/f.g", "/a/b-c_d~e/f.g"),
        ("TIMEZONE", "America/Sao_Paulo", zoneinfo.ZoneInfo("America/Sao_Paulo")),
        ("DELETE_STATUS", "200", 200),
        ("ACCESS", "lineage", "lineage"),
        ("TOKEN_IN_REPLIES", "off", False),
        ("ON_REMOVE", "leave", "leave"),
        ("AUDIT", "required", "required"),
        ("AUDIT", "off", "off"),
        (
            "CORS_ORIGINS",
            "https://a.example:8443 \n http://b.example ",
            {"https://a.example:8443", "http://b.example"},
        ),
        ("LOGIN_LIMIT", "", None),
        ("LOGIN_LIMIT", "0", None),
        ("LOGIN_LIMIT", "100 per 5 minutes", limits.parse("100/5minutes")),
        (
            "TRUSTED_PROXIES",
            "127.0.0.1\n10.0.0.0/8 ::1 unix",
            (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("::1"), "unix"),
        ),
        ("MAX_BODY_BYTES", "1024", 1024),
        ("MAX_BODY_BYTES", "1073741824", 2**30),
        ("LOG_LEVEL", "debug", "debug"),
        ("LOG_LEVEL", "warning", "warning"),
        ("LOG_LEVEL", "error", "error"),
    ],
)
def test_value_is_read(name, text, value):
    assert values(**{name: text}) == config.values({}) | {name: value}


@pytest.mark.parametrize(
    "text, roles",
    [
        ("Guest=", {"Guest": set()}),
        (" ; ;", {}),
        ("AppReader=RestComm:Read:Applications", {"AppReader": {("Read", "Applications")}}),
        (
            "AppReader=RestComm:Read:Applications; "
            "Clerk=RestComm:Read,Modify:Applications RestComm:Read:Accounts; Guest=",
            {
                "AppReader": {("Read", "Applications")},
                "Clerk": {
                    ("Read", "Applications"),
                    ("Modify", "Applications"),
                    ("Read", "Accounts"),
                },
                "Guest": set(),
            },
        ),
        ("All = RestComm:*:*\n", {"All": {("*", "*")}}),
        ("Robot=RestComm:Create,Delete:*", {"Robot": {("Create", "*"), ("Delete", "*")}}),
    ],
    ids=["nothing-granted", "no-definition", "one", "contract", "everything", "any-resource"],
)
def test_roles_are_read(text, roles):
    assert values(ROLES=text)["ROLES"] == BUILT_IN_ROLES | roles


BAD = [
    ("DATABASE_URL", "", "sqlite:///PATH"),
    ("DATABASE_URL", "sqlite:///", "sqlite:///PATH"),
    ("DATABASE_URL", "sqlite:///:memory:", "is gone when a command ends"),
    ("DATABASE_URL", "sqlite://restcomm-apps.db", "sqlite:///PATH"),
    ("DATABASE_URL", "/var/lib/restcomm-apps.db", "sqlite:///PATH"),
    ("DATABASE_URL", "postgresql://127.0.0.1/restcomm", "mysql://USER:PASSWORD@HOST:PORT/NAME"),
    *(("BIND", text, "HOST:PORT") for text in ("", "8080", "localhost", ":8080", "h:x", "h:65536")),
    *(
        ("BIND", text, "unix:PATH")
        for text in ("unix:", "::1:8080", "http://127.0.0.1:8080", "h:1\n")
    ),
    ("ROOT_PATH", "restcomm", "/restcomm"),
    ("ROOT_PATH", "/rest comm", "/restcomm"),
    ("ROOT_PATH", "/a//b", "/restcomm"),
    ("ROOT_PATH", "/a/../b", "/restcomm"),
    ("ROOT_PATH", "/a?b", "/restcomm"),
    ("ROOT_PATH", "/<account>", "/restcomm"),
    ("ROOT_PATH", "/réstcomm", "/restcomm"),
    ("ROOT_PATH", "/restcomm\n", "/restcomm"),
    ("ROOT_PATH", "http://127.0.0.1/restcomm", "/restcomm"),
    # The suffix would be taken off before routing, and nothing be found.
    ("ROOT_PATH", "/restcomm.json", "/restcomm"),
    ("ROOT_PATH", "/v1.xml/restcomm", "/restcomm"),
    ("TIMEZONE", "", "Europe/Berlin"),
    ("TIMEZONE", "Mars/Olympus_Mons", "Europe/Berlin"),
    ("TIMEZONE", "+03:00", "Europe/Berlin"),
    ("TIMEZONE", "Europe", "Europe/Berlin"),
    ("TIMEZONE", "../../etc/passwd", "Europe/Berlin"),
    ("TIMEZONE", "/etc/localtime", "Europe/Berlin"),
    ("TIMEZONE", "Europe/Berlin\n", "Europe/Berlin"),
    ("TIMEZONE", "\udcff", "Europe/Berlin"),
    ("DELETE_STATUS", "", "200 or 204"),
    ("DELETE_STATUS", "202", "200 or 204"),
    ("DELETE_STATUS", " 204", "200 or 204"),
    ("ACCESS", "", "owner or lineage"),
    ("ACCESS", "Owner", "owner or lineage"),
    ("ACCESS", "everyone", "owner or lineage"),
    ("TOKEN_IN_REPLIES", "", "on or off"),
    ("TOKEN_IN_REPLIES", "no", "on or off"),
    ("ROLES", "Clerk", "NAME=RestComm:"),
    ("ROLES", "=RestComm:Read:Applications", "NAME=RestComm:"),
    ("ROLES", "Clerk=Read", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm:Read", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm:Read:", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm::Applications", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm:Fly:Applications", "Create, Read, Modify, Delete or *"),
    ("ROLES", "Clerk=RestComm:read:Applications", "Create, Read, Modify, Delete or *"),
    ("ROLES", "Clerk=RestComm:Read,,Modify:Applications", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm:*,Read:Applications", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm:Read:Applications:Numbers", "NAME=RestComm:"),
    ("ROLES", "Clerk=RestComm:Read:Applications,Clerk2=", "NAME=RestComm:"),
    ("ROLES", "Clerk=; Clerk=RestComm:Read:Applications", "NAME=RestComm:"),
    ("ROLES", "Administrator=RestComm:Read:*", "Administrator and Developer are built in"),
    ("ROLES", "Developer=", "Administrator and Developer are built in"),
    ("ON_REMOVE", "", "unbind or leave"),
    ("ON_REMOVE", "delete", "unbind or leave"),
    ("AUDIT", "on", "auto, required or off"),
    ("CORS_ORIGINS", "*", "https://console.example.com"),
    ("CORS_ORIGINS", "null", "https://console.example.com"),
    ("CORS_ORIGINS", "console.example.com", "https://console.example.com"),
    ("CORS_ORIGINS", "ftp://console.example.com", "https://console.example.com"),
    ("CORS_ORIGINS", "https://console.example.com/", "https://console.example.com"),
    ("CORS_ORIGINS", "https://a.example https://b.example/path", "https://console.example.com"),
    ("CORS_ORIGINS", "https://a.example,https://b.example", "https://console.example.com"),
    ("CORS_ORIGINS", "https://a.example?x", "https://console.example.com"),
    ("CORS_ORIGINS", "https://[", "https://console.example.com"),
    # No browser sends these, so they would let nobody in.
    ("CORS_ORIGINS", "https://", "https://console.example.com"),
    ("CORS_ORIGINS", "https://user@a.example", "https://console.example.com"),
    ("CORS_ORIGINS", "https://A.example", "https://console.example.com"),
    ("CORS_ORIGINS", "https://a.example:port", "https://console.example.com"),
    ("CORS_ORIGINS", "https://a.example:70000", "https://console.example.com"),
    ("LOGIN_LIMIT", "10", "10/minute"),
    ("LOGIN_LIMIT", "0/minute", "10/minute"),
    ("LOGIN_LIMIT", "-1/minute", "10/minute"),
    ("LOGIN_LIMIT", "10/fortnight", "10/minute"),
    # Only the first would count.
    ("LOGIN_LIMIT", "10/minute;100/hour", "10/minute"),
    ("TRUSTED_PROXIES", "*", "127.0.0.1"),
    ("TRUSTED_PROXIES", "localhost", "127.0.0.1"),
    ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.1", "separated by spaces"),
    ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8"),
    ("MAX_BODY_BYTES", "", "1024 to 1073741824"),
    ("MAX_BODY_BYTES", "1023", "1024 to 1073741824"),
    ("MAX_BODY_BYTES", "1073741825", "1024 to 1073741824"),
    ("MAX_BODY_BYTES", "-2048", "1024 to 1073741824"),
    ("MAX_BODY_BYTES", "1e6", "1024 to 1073741824"),
    ("MAX_BODY_BYTES", "1 MiB", "1024 to 1073741824"),
    ("MAX_BODY_BYTES", "9" * 5000, "1024 to 1073741824"),
    ("LOG_LEVEL", "", "debug, info, warning or error"),
    ("LOG_LEVEL", "INFO", "debug, info, warning or error"),
    ("LOG_LEVEL", "verbose", "debug, info, warning or error"),
]


@pytest.mark.parametrize(
    "name, text, allowed", BAD, ids=[f"{name}={text[:40]}" for name, text, _ in BAD]
)
def test_bad_value_stops_the_start(name, text, allowed):
    sentence = refusal({PREFIX + name: text})
    assert sentence.startswith(f"{name}={text!r} in {PREFIX}{name} cannot be used; allowed is ")
    assert allowed in sentence.partition("; allowed is ")[2]


def test_every_setting_has_bad_values_in_the_table():
    assert {name for name, _, _ in BAD} == {each.name for each in config.SETTINGS}


SECRET = "hunter2"
URLS_WITH_SECRETS = [
    *(f"mysql://u:{each}{SECRET}@h/n" for each in ("x/", "x?", "x#", "[", "x@h/", "x@h/n?x=")),
    *(f"mysql://u:{SECRET}{each}@h/n" for each in ("/x", "?x", "#x", "]")),
    *(f"mysql://u:{SECRET}", f"mysql://u:{SECRET}/n", f"mysql://u:x@h:{SECRET}/n"),
    *(f"mysql://u@h/n?password={SECRET}", f"mysql://u@h/n?{SECRET}", f"mysql://u@h/n#{SECRET}"),
    *(f"mysql:/u:{SECRET}@h/n", f"u:{SECRET}@h/n", f"jdbc:mysql://u:{SECRET}@h/n"),
    *(f"jdbc:mysql://h/n?password={SECRET}", f"oracle://root:{SECRET}@127.0.0.1/restcomm"),
    f"mysql://u:\u2100{SECRET}@h/n/",  # urlsplit refuses the character, and quotes it all
]


def check_secrecy(environ):
    """Give the sentence of a refusal; neither it nor a traceback may hold the SECRET."""
    with pytest.raises(ConfigError) as caught:
        create_app(environ)
    assert SECRET not in "".join(traceback.format_exception(caught.value)).casefold()
    return str(caught.value)


@pytest.mark.parametrize("url", URLS_WITH_SECRETS)
def test_bad_database_url_is_told_without_its_password(url, write_ini):
    sentence = check_secrecy({PREFIX + "DATABASE_URL": url})
    assert sentence.startswith("DATABASE_URL=")
    environ, path = write_ini(f"[restcomm-apps]\ndatabase_url = {url}\n")
    assert f" in {path} cannot be used; " in check_secrecy(environ)


@pytest.mark.parametrize(
    "name", sorted({each.name for each in config.SETTINGS} - {"DATABASE_URL"} | {"CONFIG", "DB"})
)
def test_url_in_a_wrong_place_is_told_without_its_password(name):
    check_secrecy({PREFIX + name: f"mysql://root:{SECRET}@127.0.0.1/restcomm"})
    assert check_secrecy({PREFIX + name: f"root:{SECRET}@127.0.0.1/restcomm"}).startswith(name)


def test_slash_in_a_password_is_named():
    sentence = check_secrecy({PREFIX + "DATABASE_URL": f"mysql://u:x/{SECRET}@h/n"})
    assert sentence.startswith("DATABASE_URL='mysql://u:***@h/n' in RESTCOMM_APPS_DATABASE_URL ")
    assert sentence.endswith("; / in USER, PASSWORD or NAME must be written %2F")


def test_missing_driver_is_named(monkeypatch):
    # As where it is not installed.
    monkeypatch.setitem(sys.modules, "pymysql", None)
    sentence = check_secrecy({PREFIX + "DATABASE_URL": f"mysql://u:{SECRET}@h/n"})
    assert sentence.endswith("; PyMySQL is missing, which restcomm-apps[mysql] installs")


@pytest.mark.parametrize(
    "line",
    [
        *(f"mysql://u:{SECRET}@h/n", f"database_url mysql://u:{SECRET}@h/n", SECRET),
        *(f"database_url = x\ndatabase_url = {SECRET}", f"database_password = {SECRET}"),
        f"/{SECRET}@h = x",
    ],
)
@pytest.mark.parametrize("section", ["[restcomm-apps]\n", ""], ids=["section", "none"])
def test_line_that_is_no_setting_is_not_shown(write_ini, section, line):
    environ, path = write_ini(f"{section}{line}\n")
    assert path in check_secrecy(environ)


@pytest.mark.parametrize("name", ["DATABSE_URL", "root_path", "", "CONFIG_FILE"])
def test_unknown_variable_stops_the_start(name):
    sentence = refusal({PREFIX + name: "x"})
    assert sentence.startswith(f"{name} in {PREFIX}{name} is no setting; allowed are ")
    for each in config.SETTINGS:
        assert each.name in sentence


def test_file_is_read(write_ini):
    environ, path = write_ini(
        "# Both kinds of comments\n; are ignored.\n"
        "[restcomm-apps]\nroot_path = /v1\nROLES = Clerk=RestComm:Read:*;\n  Guest=\n"
        "[another-program]\ncolour = blue\n"
    )
    chosen = {each.setting.name: each for each in config.load(environ)}
    assert (chosen["ROOT_PATH"].value, chosen["ROOT_PATH"].origin) == ("/v1", path)
    assert chosen["ROLES"].value == BUILT_IN_ROLES | {"Clerk": {("Read", "*")}, "Guest": set()}
    assert (chosen["ACCESS"].value, chosen["ACCESS"].origin) == ("owner", "default")


def test_environment_wins_over_the_file(write_ini):
    environ, _ = write_ini("[restcomm-apps]\naccess = lineage\nlog_level = debug\n")
    environ[PREFIX + "ACCESS"] = "owner"
    chosen = {each.setting.name: each for each in config.load(environ)}
    assert (chosen["ACCESS"].value, chosen["ACCESS"].origin) == ("owner", PREFIX + "ACCESS")
    assert chosen["LOG_LEVEL"].value == "debug"


def test_percent_signs_of_the_file_are_kept(write_ini):
    environ, _ = write_ini("[restcomm-apps]\ndatabase_url = sqlite:///100%(x)s%%.db\n")
    assert config.values(environ)["DATABASE_URL"] == "sqlite:///100%(x)s%%.db"


def test_bad_value_of_the_file_stops_the_start(write_ini):
    environ, path = write_ini("[restcomm-apps]\nDelete_Status = 404\n")
    sentence = f"DELETE_STATUS='404' in {path} cannot be used; allowed is 200 or 204"
    assert refusal(environ) == sentence


def test_unknown_name_in_the_file_stops_the_start(write_ini):
    environ, path = write_ini("[restcomm-apps]\nport = 8080\n")
    assert refusal(environ).startswith(f"PORT in {path} is no setting; allowed are ACCESS, ")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[restcomm_apps]\naccess = owner\n",
        b"access = owner\n",
        b"[restcomm-apps\naccess = owner\n",
        b"[restcomm-apps]\naccess\n",
        b"[restcomm-apps]\naccess = owner\nACCESS = lineage\n",
        b"[restcomm-apps]\n[restcomm-apps]\n",
        b"[restcomm-apps]\n# caf\xe9\naccess = owner\n",
        b"\xff\xfe[\x00",
    ],
    ids=[
        "empty",
        "other-section",
        "no-section",
        "open-bracket",
        "no-value",
        "twice",
        "two-sections",
        "latin-1",
        "utf-16",
    ],
)
def test_unreadable_file_stops_the_start(write_ini, text):
    environ, path = write_ini(text)
    check_unreadable(environ, path)


def test_missing_file_stops_the_start(tmp_path):
    path = f"{tmp_path}/missing.ini"
    check_unreadable({CONFIG_FILE: path}, path)


def test_folder_in_place_of_the_file_stops_the_start(tmp_path):
    check_unreadable({CONFIG_FILE: str(tmp_path)}, str(tmp_path))


def check_unreadable(environ, path):
    """Assert that the start is refused because of this file."""
    sentence = refusal(environ)
    assert sentence.startswith(f"CONFIG={path!r} in {CONFIG_FILE} cannot be used; allowed is ")
    assert sentence.endswith("INI file with a section [restcomm-apps]")


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"TIMEZONE": "Mars"}, ["TIMEZONE='Mars'", "Europe/Berlin"]),
        ({"ROLES": "Clerk=Read\nGuest="}, ["ROLES='Clerk=Read\\nGuest='"]),
        ({"PORT": "8080"}, ["PORT in RESTCOMM_APPS_PORT", "ROOT_PATH"]),
        ({"CONFIG": "/nonexistent.ini"}, ["'/nonexistent.ini'", "RESTCOMM_APPS_CONFIG"]),
        ({"DATABASE_URL": os.fsdecode(b"mysql:///\xff")}, ["DATABASE_URL='mysql:///\\udcff'"]),
    ],
    ids=["value", "newline", "unknown", "file", "not-utf-8"],
)
def test_serve_with_a_bad_setting_ends_in_a_sentence(settings, words):
    check_mistake(run("serve", **settings), *words)


@pytest.fixture
def wsgi_gunicorn(make_gunicorn, tmp_path):
    """A gunicorn started by its own command on the checkout's wsgi.py, in Sao Paulo's time."""
    gunicorn = make_gunicorn(TIMEZONE="America/Sao_Paulo")
    gunicorn.process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "4"),
            *("--bind", f"127.0.0.1:{gunicorn.port}", "wsgi:app"),
        ],
        # gunicorn keeps its control socket in one of these.
        env=gunicorn.environ | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return gunicorn


def test_wsgi_py_serves_under_plain_gunicorn(wsgi_gunicorn):
    printed = wsgi_gunicorn.run("add-account", "new@example.com")
    sid, token = re.fullmatch(r"sid:   (\S+)\ntoken: (\S+)\n", printed).groups()
    wait_until_it_answers(wsgi_gunicorn)
    status, _, body = wsgi_gunicorn.request(
        "POST",
        f"/Accounts/{sid}/Applications.json",
        {"sid": sid, "auth_token": token},
        b"FriendlyName=Welcome",
    )
    created = json.loads(body)
    database = connect_directly(wsgi_gunicorn.environ[PREFIX + "DATABASE_URL"])
    stored = database.execute("SELECT sid, friendly_name FROM restcomm_applications").fetchall()
    database.close()
    assert (status, stored) == (200, [(created["sid"], "Welcome")])
    assert created["date_created"].endswith(" -0300")


def wait_until_it_answers(gunicorn):
    """Ask for Logout until there is an answer."""
    deadline = time.monotonic() + 30
    while True:
        try:
            assert gunicorn.request("GET", "/Logout")[2] == b"OK"
            return
        except urllib.error.URLError:
            assert gunicorn.process.poll() is None, "gunicorn did not start"
            assert time.monotonic() < deadline, "gunicorn does not answer"
            time.sleep(0.02)
