"""The forms of a DATABASE_URL: which engine, where, with what options; and how one is shown."""

import re
import ssl
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

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
_OPTIONS = (*_TIMEOUTS, "unix_socket", "ssl", *_TLS_FILES, "ssl_verify")

# What is shown of a URL; all else is masked.
MASKED = "***"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")
_PLAIN_PATH = re.compile(r"[^:@=;?&#\s]*")
_USER = re.compile(r"[^:@/?#\s]*")
_PLACE = re.compile(
    r"(?P<server>(?:\[[0-9A-Fa-f:.]*\]|[A-Za-z0-9._-]*)(?P<port>:\d*)?(?:/[^@?#]*)?)"
    r"(?:\?(?P<options>.*))?",
    re.DOTALL,
)


class DatabaseUrl(NamedTuple):
    """A database's engine, its name (a path for SQLite) and the driver's options."""

    engine: str
    name: str
    options: dict[str, Any]


class UrlMistake(ValueError):
    """A text is no DATABASE_URL; the text says what is likely wrong and holds no part of it."""


def parse(text: str) -> DatabaseUrl:
    """Read a DATABASE_URL into a DatabaseUrl.

    The options of a ``mysql://`` or ``mariadb://`` URL stand in its query: ``connect_timeout`` and
    ``read_timeout`` (seconds), ``unix_socket``, ``ssl=true``, ``ssl_ca``, ``ssl_cert``, ``ssl_key``
    (paths of PEM files) and ``ssl_verify=false``. Raises UrlMistake for any other form and for a
    file that is no certificate.
    """
    if text.startswith(_SQLITE_SCHEME):
        path = text.removeprefix(_SQLITE_SCHEME)
        if not path:
            raise UrlMistake("PATH is missing")
        if path == ":memory:":
            raise UrlMistake("a database in memory is gone when a command ends")
        return DatabaseUrl(SQLITE, path, {})
    scheme, separator, rest = text.partition("://")
    if scheme.lower() not in _MYSQL_SCHEMES or not separator:
        raise UrlMistake("it begins with none of these")
    _check_escapes(rest)
    try:
        parts = urlsplit(text)
        server = _read_server(parts)
    except UrlMistake:
        raise
    except ValueError:  # whose text would quote the URL
        raise UrlMistake("HOST:PORT cannot be read") from None
    name = unquote(parts.path.removeprefix("/"))
    if not name or "/" in name:
        raise UrlMistake("NAME is missing" if not name else "NAME must hold no /")
    return DatabaseUrl(MYSQL, name, server | _read_options(parts.query))


def _check_escapes(rest: str) -> None:
    """Raise UrlMistake where what follows the scheme holds a character that ends a part early."""
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    behind = rest[len(authority) :]
    user, at, _ = authority.rpartition("@")
    wrong = next((bracket for bracket in "[]" if bracket in user), None)
    # An @ further on ends what was meant for the password, or belongs to it.
    if "@" in behind.partition("?")[0] or ("@" in behind and not at):
        wrong = at or behind[0]
    elif "#" in behind:
        wrong = "#"
    if wrong is not None:
        raise UrlMistake(
            f"{wrong} in USER, PASSWORD or NAME must be written {quote(wrong, safe='')}"
        )


def _read_server(parts: SplitResult) -> dict[str, Any]:
    if not parts.username:
        raise UrlMistake("USER is missing")
    if not parts.hostname:
        raise UrlMistake("HOST is missing")
    password = unquote(parts.password or "")
    return {
        "host": parts.hostname,
        "port": parts.port or _MYSQL_PORT,
        "user": unquote(parts.username),
        # The driver would write it in ISO-8859-1, and quote what that lacks.
        "password": password if password.isascii() else password.encode(errors="surrogateescape"),
    }


def _read_options(query: str) -> dict[str, Any]:
    try:
        given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True)) if query else {}
    except ValueError:
        raise UrlMistake("its options are no NAME=VALUE&…") from None
    options: dict[str, Any] = {name: _read_timeout(name, given) for name in _TIMEOUTS}
    # A write waits for the same server as the read of its answer.
    options["write_timeout"] = options["read_timeout"]
    if "unix_socket" in given:
        options["unix_socket"] = given.pop("unix_socket")
    tls = {name: given.pop(name) for name in ("ssl", *_TLS_FILES, "ssl_verify") if name in given}
    if given:
        raise UrlMistake(f"its options may be {', '.join(_OPTIONS)}")
    if tls:
        options |= _read_tls(tls)
    return options


def _read_timeout(name: str, given: dict[str, str]) -> int:
    default, least, most = _TIMEOUTS[name]
    text = given.pop(name, str(default))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise UrlMistake(f"{name} must be a number from {least} to {most}")
    return int(text)


def _read_tls(given: dict[str, str]) -> dict[str, Any]:
    """Turn the TLS options into the driver's: a context that it must use, or none at all."""
    if not {given.get("ssl", "true"), given.get("ssl_verify", "true")} <= _FLAGS.keys():
        raise UrlMistake("ssl and ssl_verify must be true or false")
    if not _FLAGS[given.get("ssl", "true")]:
        if len(given) > 1:
            raise UrlMistake("ssl=false goes with no other ssl option")
        return {"ssl_disabled": True}
    if "ssl_key" in given and "ssl_cert" not in given:
        raise UrlMistake("ssl_key needs ssl_cert")
    try:
        context = ssl.create_default_context(cafile=given.get("ssl_ca"))
        if "ssl_cert" in given:
            context.load_cert_chain(given["ssl_cert"], given.get("ssl_key"), password="")
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise UrlMistake("ssl_ca, ssl_cert and ssl_key must name PEM files") from None
    if not _FLAGS[given.get("ssl_verify", "true")]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def mask(text: str) -> str:
    """Return a text that is a DATABASE_URL, or was to be one, with ``***`` for what may be secret.

    Of what cannot be told apart, as unescaped characters do to a password, all is ``***``.
    """
    if text.startswith(_SQLITE_SCHEME):
        return text
    scheme = _SCHEME.match(text)
    if scheme is None:
        return text if _PLAIN_PATH.fullmatch(text) else MASKED
    # The last @: a password may hold others.
    credentials, at, rest = text[scheme.end() :].rpartition("@")
    user, colon, _ = credentials.partition(":")
    shown_user = user if _USER.fullmatch(user) else MASKED
    shown_password = f":{MASKED}" if colon else ""
    return f"{scheme[0]}{shown_user}{shown_password}{at}{_mask_place(rest, bool(at))}"


def mask_any(text: str) -> str:
    """Return a text that is anything, masked as a DATABASE_URL where it may hold credentials."""
    return mask(text) if re.search(":.*@", text, re.DOTALL) else text


def _mask_place(text: str, is_behind_user: bool) -> str:
    """Mask what stands where HOST:PORT/NAME?OPTIONS should; without a user the port, too."""
    place = _PLACE.fullmatch(text)
    if place is None or (place["port"] and not is_behind_user):
        return MASKED
    options = place["options"]
    return place["server"] + ("" if options is None else f"?{_mask_options(options)}")


def _mask_options(query: str) -> str:
    """Mask what is none of our options: one may be a password, or the end of one."""
    options = query.split("&")
    return "&".join(text if text.partition("=")[0] in _OPTIONS else MASKED for text in options)
