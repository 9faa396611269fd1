"""Every setting: name, default, what is allowed, meaning; read once at start.

A setting comes from the environment variable ``RESTCOMM_APPS_<NAME>``, or from the section
``[restcomm-apps]`` of the INI file that ``RESTCOMM_APPS_CONFIG`` names; the environment wins.
"""

import configparser
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import setting_values
from .audit.trail import AUTO, OFF, REQUIRED
from .domain import roles
from .domain.networks import read_networks
from .store import urls

PREFIX = "RESTCOMM_APPS_"
CONFIG_FILE = PREFIX + "CONFIG"
SECTION = "restcomm-apps"

OWNER, LINEAGE = "owner", "lineage"
UNBIND, LEAVE = "unbind", "leave"


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
    hide: Callable[[str], str] = urls.mask_any


class Chosen(NamedTuple):
    """A setting's text, value and origin (``default``, a variable or a file)."""

    setting: Setting
    text: str
    value: Any
    origin: str

    @property
    def shown(self) -> str:
        """The text without what may be secret in it."""
        return self.setting.hide(self.text)


SETTINGS = (
    Setting(
        "DATABASE_URL",
        "sqlite:///restcomm-apps.db",
        setting_values.read_database_url,
        urls.ALLOWED,
        "Where accounts and applications are kept.",
        hide=urls.mask,
    ),
    Setting(
        "BIND",
        "127.0.0.1:8080",
        setting_values.read_bind,
        "HOST:PORT, or unix:PATH for a socket file",
        "Where serve listens; its option --bind wins.",
    ),
    Setting(
        "ROOT_PATH",
        "/restcomm",
        setting_values.read_root_path,
        "a path such as /restcomm, or / for none",
        "What stands before /2012-04-24 in every URL.",
    ),
    Setting(
        "TIMEZONE",
        "UTC",
        setting_values.read_timezone,
        "a name of the tz database, e.g. Europe/Berlin",
        "The zone of the dates in the database and in replies.",
    ),
    Setting(
        "DELETE_STATUS",
        "204",
        setting_values.read_delete_status,
        "200 or 204",
        "The status of a removal and of a closing; Visual Designer, the Node SDK and the old Java "
        "SDK need 200.",
    ),
    Setting(
        "ACCESS",
        OWNER,
        setting_values.one_of(OWNER, LINEAGE),
        "owner or lineage",
        "Who may act on an account's applications: itself only, or its ancestors too.",
    ),
    Setting(
        "ROLES",
        "",
        roles.read_roles,
        "NAME=RestComm:ACTION[,ACTION]:RESOURCE …; NAME=…, with the actions Create, Read, Modify, "
        "Delete or *; Administrator and Developer are built in",
        "What roles beyond Administrator and Developer may do.",
    ),
    Setting(
        "TOKEN_IN_REPLIES",
        "on",
        setting_values.read_switch,
        "on or off",
        "Whether replies show auth tokens, as Restcomm's web pages need to log in, or asterisks.",
    ),
    Setting(
        "ON_REMOVE",
        UNBIND,
        setting_values.one_of(UNBIND, LEAVE),
        "unbind or leave",
        "What happens to numbers and clients that point at a removed application.",
    ),
    Setting(
        "AUDIT",
        AUTO,
        setting_values.one_of(AUTO, REQUIRED, OFF),
        "auto, required or off",
        "Whether changes are kept: where there are tables for them; always, or refused; never.",
    ),
    Setting(
        "CORS_ORIGINS",
        "",
        setting_values.read_origins,
        "origins such as https://console.example.com, separated by spaces",
        "Whose web pages may call the service from a browser; those of other sites change nothing.",
    ),
    Setting(
        "LOGIN_LIMIT",
        "10/minute",
        setting_values.read_login_limit,
        "a rate such as 10/minute or 100/hour; 0 for none",
        "How many logins of an account may fail from an address; ten times as many of all "
        "accounts.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        "",
        read_networks,
        "addresses and networks such as 127.0.0.1 or 10.0.0.0/8, and unix for a socket file, "
        "separated by spaces",
        "Whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are believed.",
    ),
    Setting(
        "MAX_BODY_BYTES",
        "1048576",
        setting_values.read_size,
        "a number from 1024 to 1073741824",
        "The largest request body, in bytes.",
    ),
    Setting(
        "LOG_LEVEL",
        "info",
        setting_values.one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
        "What is logged to standard error.",
    ),
)
_NAMES = {setting.name for setting in SETTINGS}


def load(environ: Mapping[str, str]) -> list[Chosen]:
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
                f"{_show_name(name)} in {origin} is no setting; "
                f"allowed are {', '.join(sorted(_NAMES))}"
            )
    return [
        _choose(setting, *texts.get(setting.name, (setting.default, "default")))
        for setting in SETTINGS
    ]


def values(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read all settings into {name: value}; see ``load``."""
    return {chosen.setting.name: chosen.value for chosen in load(environ)}


def _choose(setting, text, origin):
    try:
        return Chosen(setting, text, setting.read(text), origin)
    except ValueError as error:
        likely = f"; {error}" if isinstance(error, urls.UrlMistake) else ""
        # From nothing: a traceback would show texts that quote the value.
        raise ConfigError(
            f"{setting.name}={setting.hide(text)!r} in {origin} cannot be used; "
            f"allowed is {setting.allowed}{likely}"
        ) from None


def _show_name(name):
    """Return the name of no setting up to what no name holds: a line may be a URL by mistake."""
    word = re.split("[^A-Za-z0-9_.-]", name, maxsplit=1)[0]
    return word if word == name else f"{word}…"


class _Parser(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Take the names of settings in any case."""
        return optionstr.upper()


def _read_file(path):
    """Read the INI file at ``path`` (or none) into {name: (text, origin)}."""
    if not path:
        return {}
    parser = _Parser(interpolation=None)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        section = dict(parser.items(SECTION))
    except (OSError, UnicodeDecodeError, configparser.Error):
        # From nothing: configparser quotes lines.
        raise ConfigError(
            f"CONFIG={urls.mask_any(path)!r} in {CONFIG_FILE} cannot be used; "
            f"allowed is a readable INI file with a section [{SECTION}]"
        ) from None
    return {name: (text, path) for name, text in section.items()}
