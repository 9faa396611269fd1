"""Every setting: name, default, what is allowed, meaning; read once at start.

A setting comes from the environment variable ``RESTCOMM_APPS_<NAME>``, or from the section
``[restcomm-apps]`` of the INI file that ``RESTCOMM_APPS_CONFIG`` names; the environment wins.
"""

import configparser
import re
import zoneinfo
from typing import Any, Callable, NamedTuple

import limits

from . import database, database_urls
from .proxies import read_networks

PREFIX = "RESTCOMM_APPS_"
CONFIG_FILE = PREFIX + "CONFIG"
SECTION = "restcomm-apps"

ADMINISTRATOR = "Administrator"
OWNER, LINEAGE = "owner", "lineage"
UNBIND, LEAVE = "unbind", "leave"
AUTO, REQUIRED, OFF = "auto", "required", "off"


class ConfigError(Exception):
    """A setting cannot be used; the text names it, its value and what is allowed."""


class Setting(NamedTuple):
    """One setting; ``read`` turns its text into its value and raises ValueError.

    ``hide`` gives the text as it may be shown; its default masks a database's URL.
    """

    name: str
    default: str
    read: Callable[[str], Any]
    allowed: str
    meaning: str
    hide: Callable[[str], str] = database_urls.mask_any


class Chosen(NamedTuple):
    """A setting's text, value and origin (``default``, a variable or a file)."""

    setting: Setting
    text: str
    value: Any
    origin: str

    @property
    def shown(self):
        """The text without what may be secret in it."""
        return self.setting.hide(self.text)


def _read_database_url(text):
    if not database.has_driver(database_urls.parse(text)):
        raise database_urls.UrlMistake("PyMySQL is missing, which restcomm-apps[mysql] installs")
    return text


def _read_root_path(text):
    root = text.rstrip("/")
    if root and not re.fullmatch(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", root):
        raise ValueError(text)
    if re.search(r"\.(?:json|xml)(?:/|$)", root):  # would be taken for the suffix of a format
        raise ValueError(text)
    return root


def _read_timezone(text):
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error


def _one_of(*allowed):
    def read(text):
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


def _read_delete_status(text):
    return int(_one_of("200", "204")(text))


def _read_switch(text):
    return _one_of("on", "off")(text) == "on"


_BIND = re.compile(r"unix:.+|(?:\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})")


def _read_bind(text):
    match = _BIND.fullmatch(text)
    if match is None or int(match[1] or 0) >= 2**16:
        raise ValueError(text)
    return text


_PERMISSION = re.compile(r"RestComm:([A-Za-z,]+|\*):(\*|[A-Za-z]+)")
_ACTIONS = {"Create", "Read", "Modify", "Delete"}
_BUILT_IN_ROLES = {
    ADMINISTRATOR: frozenset({("*", "*")}),
    "Developer": frozenset({("*", "Applications")}),
}


def _read_roles(text):
    """Read ``Name=RestComm:Read,Modify:Applications …; Name=…`` into {role: {(action, resource)}}."""
    roles = dict(_BUILT_IN_ROLES)
    for definition in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, permissions = definition.partition("=")
        name = name.strip()
        if not equals or not name or name in roles:
            raise ValueError(definition)
        roles[name] = frozenset(
            pair for permission in permissions.split() for pair in _read_permission(permission)
        )
    return roles


def _read_permission(text):
    match = _PERMISSION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    actions = set(match[1].split(","))
    if actions != {"*"} and not actions <= _ACTIONS:
        raise ValueError(text)
    return [(action, match[2]) for action in actions]


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")


def _read_origins(text):
    for origin in text.split():
        match = _ORIGIN.fullmatch(origin)
        if match is None or int(match[1] or 1) not in range(1, 2**16):
            raise ValueError(text)
    return frozenset(text.split())


def _read_login_limit(text):
    if text in ("", "0"):
        return None
    (limit,) = limits.parse_many(text)
    if limit.amount < 1:
        raise ValueError(text)
    return limit


def _read_size(text):
    size = int(text)
    if not 1024 <= size <= 2**30:
        raise ValueError(text)
    return size


SETTINGS = (
    Setting(
        "DATABASE_URL",
        "sqlite:///restcomm-apps.db",
        _read_database_url,
        database_urls.ALLOWED,
        "Where accounts and applications are kept.",
        hide=database_urls.mask,
    ),
    Setting(
        "BIND",
        "127.0.0.1:8080",
        _read_bind,
        "HOST:PORT, or unix:PATH for a socket file",
        "Where serve listens; its option --bind wins.",
    ),
    Setting(
        "ROOT_PATH",
        "/restcomm",
        _read_root_path,
        "a path such as /restcomm, or / for none",
        "What stands before /2012-04-24 in every URL.",
    ),
    Setting(
        "TIMEZONE",
        "UTC",
        _read_timezone,
        "a name of the tz database, e.g. Europe/Berlin",
        "The zone of the dates in the database and in replies.",
    ),
    Setting(
        "DELETE_STATUS",
        "204",
        _read_delete_status,
        "200 or 204",
        "The status of a removal; Visual Designer and the Node SDK need 200.",
    ),
    Setting(
        "ACCESS",
        OWNER,
        _one_of(OWNER, LINEAGE),
        "owner or lineage",
        "Who may act on an account's applications: itself only, or its ancestors too.",
    ),
    Setting(
        "ROLES",
        "",
        _read_roles,
        "NAME=RestComm:ACTION[,ACTION]:RESOURCE …; NAME=…, with the actions Create, Read, Modify, "
        "Delete or *; Administrator and Developer are built in",
        "What roles beyond Administrator and Developer may do.",
    ),
    Setting(
        "TOKEN_IN_REPLIES",
        "on",
        _read_switch,
        "on or off",
        "Whether replies show auth tokens, as Restcomm's web pages need to log in, or asterisks.",
    ),
    Setting(
        "ON_REMOVE",
        UNBIND,
        _one_of(UNBIND, LEAVE),
        "unbind or leave",
        "What happens to numbers and clients that point at a removed application.",
    ),
    Setting(
        "AUDIT",
        AUTO,
        _one_of(AUTO, REQUIRED, OFF),
        "auto, required or off",
        "Whether changes are kept: where there are tables for them; always, or refused; never.",
    ),
    Setting(
        "CORS_ORIGINS",
        "",
        _read_origins,
        "origins such as https://console.example.com, separated by spaces",
        "Whose web pages may call the service from a browser.",
    ),
    Setting(
        "LOGIN_LIMIT",
        "10/minute",
        _read_login_limit,
        "a rate such as 10/minute or 100/hour; 0 for none",
        "How many logins of an account may fail from an address; ten times as many of all accounts.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        "",
        read_networks,
        "addresses and networks such as 127.0.0.1 or 10.0.0.0/8, and unix for a socket file, "
        "separated by spaces",
        "Whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    ),
    Setting(
        "MAX_BODY_BYTES",
        "1048576",
        _read_size,
        "a number from 1024 to 1073741824",
        "The largest request body, in bytes.",
    ),
    Setting(
        "LOG_LEVEL",
        "info",
        _one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
        "What is logged to standard error.",
    ),
)
_NAMES = {setting.name for setting in SETTINGS}


def load(environ):
    """Read all settings into a list of Chosen, in the order of SETTINGS.

    ``environ`` is a mapping such as ``os.environ``. Raises ConfigError for a value that is not
    allowed, for an unknown name and for a file that cannot be read.
    """
    texts = _read_file(environ.get(CONFIG_FILE))
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable != CONFIG_FILE:
            texts[variable[len(PREFIX) :]] = (text, variable)
    for name, (_, origin) in texts.items():
        if name not in _NAMES:
            raise ConfigError(
                f"{_show_name(name)} in {origin} is no setting; allowed are {', '.join(sorted(_NAMES))}"
            )
    return [
        _choose(setting, *texts.get(setting.name, (setting.default, "default")))
        for setting in SETTINGS
    ]


def values(environ):
    """Read all settings into {name: value}; see ``load``."""
    return {chosen.setting.name: chosen.value for chosen in load(environ)}


def _choose(setting, text, origin):
    try:
        return Chosen(setting, text, setting.read(text), origin)
    except ValueError as error:
        likely = f"; {error}" if isinstance(error, database_urls.UrlMistake) else ""
        # From nothing: a traceback would show texts that quote the value.
        raise ConfigError(
            f"{setting.name}={setting.hide(text)!r} in {origin} cannot be used; "
            f"allowed is {setting.allowed}{likely}"
        ) from None


def _show_name(name):
    """Give the name of no setting up to what no name holds: a line may be a URL by mistake."""
    word = re.match("[A-Za-z0-9_.-]*", name)[0]
    return word if word == name else f"{word}…"


def _read_file(path):
    """Read the INI file at ``path`` (or none) into {name: (text, origin)}."""
    if not path:
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str.upper
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        section = dict(parser.items(SECTION))
    except (OSError, UnicodeDecodeError, configparser.Error):
        # From nothing: configparser quotes lines.
        raise ConfigError(
            f"CONFIG={database_urls.mask_any(path)!r} in {CONFIG_FILE} cannot be used; "
            f"allowed is a readable INI file with a section [{SECTION}]"
        ) from None
    return {name: (text, path) for name, text in section.items()}
