"""The forms of a DATABASE_URL."""

import re
import ssl
import uuid
from urllib.parse import quote, urlsplit

import pytest

from restcomm_apps.store.urls import (
    MYSQL,
    SQLITE,
    DatabaseUrl,
    UrlMistake,
    mask,
    mask_any,
    parse,
)

from ..support.command_line import run, succeed
from ..support.databases import execute_on_server
from ..support.document import make_certificate

SERVER = {"host": "h", "port": 3306, "user": "u", "password": ""}
TIMEOUTS = {"connect_timeout": 5, "read_timeout": 30, "write_timeout": 30}


@pytest.mark.parametrize("path", ["x.db", "/var/lib/a b.db", "a%20b?c#d.db"])
def test_parse_sqlite_takes_the_path_as_it_stands(path):
    assert parse(f"sqlite:///{path}") == DatabaseUrl(SQLITE, path, {})


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("mysql://u@h/n", "n", {}),
        ("mariadb://u@h/n", "n", {}),
        ("mysql://u:p%40%2F%3A@h:3307/n", "n", {"password": "p@/:", "port": 3307}),
        ("mysql://u%40x@[::1]/a%20b", "a b", {"user": "u@x", "host": "::1"}),
        ("mysql://u@h/n?connect_timeout=1", "n", {"connect_timeout": 1}),
        ("mysql://u@h/n?read_timeout=600", "n", {"read_timeout": 600, "write_timeout": 600}),
        ("mysql://u@h/n?unix_socket=/run/s%20k", "n", {"unix_socket": "/run/s k"}),
        ("mysql://u@h/n?ssl=false", "n", {"ssl_disabled": True}),
    ],
)
def test_parse_mysql_reads_every_part(text, name, options):
    assert parse(text) == DatabaseUrl(MYSQL, name, SERVER | TIMEOUTS | options)


def test_parse_mysql_makes_a_tls_context(tmp_path):
    certificate, key = make_certificate(tmp_path)
    context = parse(f"mysql://u@h/n?ssl_ca={certificate}").options["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1
    pair = f"ssl_cert={certificate}&ssl_key={key}"
    context = parse(f"mysql://u@h/n?{pair}&ssl_verify=false").options["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert parse("mysql://u@h/n?ssl=true").options["ssl"].check_hostname


@pytest.mark.parametrize(
    "text",
    [
        *("", "x.db", "sqlite:///", "sqlite://x.db", "postgresql://u@h/n", "MYSQL//u@h/n"),
        *("mysql://u@h", "mysql://u@h/", "mysql://u@h/n/m", "mysql://u@h/n%2Fm", "mysql:///n"),
        *("mysql://h/n", "mysql://:p@h/n", "mysql://u@h:0x1/n", "mysql://u@h:65536/n"),
        *("mysql://u@h/n#f", "mysql://u@[::1/n"),
        *("mysql://u@h/n?x=1", "mysql://u@h/n?ssl", "mysql://u@h/n?ssl=yes", "mysql://u@h/n?&"),
        *("mysql://u@h/n?ssl=false&ssl_ca=x", "mysql://u@h/n?ssl_ca=/nothing.pem"),
        *("mysql://u@h/n?ssl_cert=/nothing.pem", "mysql://u@h/n?ssl_key=/nothing.pem"),
        *("mysql://u@h/n?connect_timeout=0", "mysql://u@h/n?connect_timeout=61"),
        *("mysql://u@h/n?read_timeout=1", "mysql://u@h/n?read_timeout=601"),
        *("mysql://u@h/n?read_timeout=x", "mysql://u@h/n?read_timeout="),
    ],
)
def test_parse_refuses_every_other_form(text):
    with pytest.raises(UrlMistake):
        parse(text)


@pytest.mark.parametrize(
    ("character", "written"),
    [("/", "%2F"), ("?", "%3F"), ("#", "%23"), ("[", "%5B"), ("]", "%5D")],
)
def test_parse_names_the_character_that_must_be_escaped(character, written):
    sentence = f"{character} in USER, PASSWORD or NAME must be written {written}"
    with pytest.raises(UrlMistake, match=re.escape(sentence)):
        parse(f"mysql://u:pa{character}ss@h/n")
    assert parse(f"mysql://u:pa{written}ss@h/n").options["password"] == f"pa{character}ss"


@pytest.mark.parametrize("character", [":", "@", "%"])
def test_parse_takes_what_can_be_told_apart(character):
    assert parse(f"mysql://u:pa{character}ss@h/n").options["password"] == f"pa{character}ss"


def test_parse_does_not_take_the_end_of_a_password_for_the_name():
    # It would ask the host "x" for the database "y@h".
    with pytest.raises(UrlMistake, match="@ in USER, PASSWORD or NAME must be written %40"):
        parse("mysql://u:p@x/y@h")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mysql://u:SECRET@h/n", "mysql://u:***@h/n"),
        ("mysql://u:@h/n", "mysql://u:***@h/n"),
        ("mysql://u@[::1]:3307/n?ssl_key=/k.pem&ssl=true", None),
        ("mysql://u:SECRET@h:1/n?ssl_ca=/a@b.pem", "mysql://u:***@b.pem"),
        *((f"mysql://u:SEC{each}RET@h/n", "mysql://u:***@h/n") for each in "/?#:@[]\n %"),
        ("mysql://u:SEC/R@ET@h", "mysql://u:***@h"),
        ("mysql://SEC/RET@h/n", "mysql://***@h/n"),
        ("mysql://u:p@h:SECRET/n", "mysql://u:***@***"),
        ("mysql://u:SECRET/n", "mysql://***"),
        ("mysql://u:12345/n", "mysql://***"),
        ("mysql://u@h/n?password=SECRET&ssl=true", "mysql://u@h/n?***&ssl=true"),
        ("mysql://u@h/n#SECRET", "mysql://u@***"),
        ("jdbc:mysql://h/n?user=u&password=SECRET", "jdbc:mysql://h/n?***&***"),
        ("mysql:/u:SECRET@h/n", "***"),
        ("u:SECRET@tcp(h)/n", "***"),
        ("host=h password=SECRET", "***"),
        ("sqlite://u:SECRET@h/n", "sqlite://u:***@h/n"),
        ("sqlite:////var/lib/a@b:c?d.db", None),
        ("postgresql://127.0.0.1/restcomm", None),
        ("/var/lib/x.db", None),
        ("", None),
    ],
)
def test_mask_shows_nothing_secret(text, masked):
    assert mask(text) == (text if masked is None else masked)
    assert mask_any(text) in (text, masked)


@pytest.mark.parametrize(
    "text", ["Europe/Berlin", "https://a.example:8443", "a@b", "10/minute", ""]
)
def test_mask_any_leaves_what_holds_no_credentials(text):
    assert mask_any(text) == text


@pytest.mark.mariadb
def test_password_that_is_not_ascii_lets_in(database_url):
    user = f"user{uuid.uuid4().hex[:8]}"
    execute_on_server(f"CREATE USER {user} IDENTIFIED BY 'pä€'")
    try:
        execute_on_server(f"GRANT ALL ON {parse(database_url).name}.* TO {user}")
        parts = urlsplit(database_url)
        place = parts.netloc.rpartition("@")[2]
        for password in ("pä€", quote("pä€")):
            succeed("init-db", DATABASE_URL=f"mysql://{user}:{password}@{place}{parts.path}")
        code, _, errors = run("init-db", DATABASE_URL=f"mysql://{user}:€@{place}{parts.path}")
        assert (code, "Access denied" in errors, "€" in errors) == (2, True, False)
    finally:
        execute_on_server(f"DROP USER {user}")
