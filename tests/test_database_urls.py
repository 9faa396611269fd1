"""The forms of a DATABASE_URL."""

import ssl

import pytest

from restcomm_apps.database_urls import MYSQL, SQLITE, DatabaseUrl, parse

from .document import make_certificate

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
    with pytest.raises(ValueError):
        parse(text)
