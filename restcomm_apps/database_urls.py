"""The forms of a DATABASE_URL: which engine, where, and with what options."""

import ssl
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

SQLITE, MYSQL = "sqlite", "mysql"
ALLOWED = (
    "sqlite:///PATH (four slashes for an absolute path) or, with restcomm-apps[mysql] installed, "
    "mysql://USER:PASSWORD@HOST:PORT/NAME"
)

_SQLITE_SCHEME = "sqlite:///"
_MYSQL_SCHEMES = ("mysql", "mariadb")
_MYSQL_PORT = 3306
_TLS_FILES = ("ssl_ca", "ssl_cert", "ssl_key")
_FLAGS = {"true": True, "false": False}
# Seconds: default, least and most.
_TIMEOUTS = {"connect_timeout": (5, 1, 60), "read_timeout": (30, 2, 600)}


class DatabaseUrl(NamedTuple):
    """A database's engine, its name (a path for SQLite) and the driver's options."""

    engine: str
    name: str
    options: dict[str, Any]


def parse(text):
    """Read a DATABASE_URL into a DatabaseUrl.

    The options of a ``mysql://`` or ``mariadb://`` URL stand in its query: ``connect_timeout`` and
    ``read_timeout`` (seconds), ``unix_socket``, ``ssl=true``, ``ssl_ca``, ``ssl_cert``, ``ssl_key``
    (paths of PEM files) and ``ssl_verify=false``. Raises ValueError for any other form and for a
    file that is no certificate.
    """
    if text.startswith(_SQLITE_SCHEME):
        path = text.removeprefix(_SQLITE_SCHEME)
        if not path:
            raise ValueError(text)
        return DatabaseUrl(SQLITE, path, {})
    parts = urlsplit(text)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in _MYSQL_SCHEMES or not name or "/" in name or parts.fragment:
        raise ValueError(text)
    return DatabaseUrl(MYSQL, name, _read_server(parts) | _read_options(parts.query))


def _read_server(parts):
    if not parts.hostname or not parts.username:
        raise ValueError(parts.netloc)
    return {
        "host": parts.hostname,
        "port": parts.port or _MYSQL_PORT,
        "user": unquote(parts.username),
        "password": unquote(parts.password or ""),
    }


def _read_options(query):
    given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
    options = {}
    for name, (default, least, most) in _TIMEOUTS.items():
        options[name] = int(given.pop(name, default))
        if not least <= options[name] <= most:
            raise ValueError(name)
    # A write waits for the same server as the read of its answer.
    options["write_timeout"] = options["read_timeout"]
    if "unix_socket" in given:
        options["unix_socket"] = given.pop("unix_socket")
    tls = {name: given.pop(name) for name in ("ssl", *_TLS_FILES, "ssl_verify") if name in given}
    if given:
        raise ValueError(", ".join(given))
    if tls:
        options |= _read_tls(tls)
    return options


def _read_tls(given):
    """Turn the TLS options into the driver's: a context that it must use, or none at all."""
    try:
        wanted = _FLAGS[given.get("ssl", "true")]
        verify = _FLAGS[given.get("ssl_verify", "true")]
    except KeyError as error:
        raise ValueError("ssl") from error
    if not wanted:
        if len(given) > 1:
            raise ValueError("ssl")
        return {"ssl_disabled": True}
    try:
        context = ssl.create_default_context(cafile=given.get("ssl_ca"))
        if "ssl_cert" in given:
            context.load_cert_chain(given["ssl_cert"], given.get("ssl_key"), password="")
        elif "ssl_key" in given:
            raise ValueError("ssl_key")
    except OSError as error:  # ssl.SSLError is one
        raise ValueError("ssl") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}
