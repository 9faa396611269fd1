"""How the texts of settings are read: each function gives a value or raises ValueError.

Which setting is read by which, and what a refusal says, is for ``config``.
"""

import re
import zoneinfo
from collections.abc import Callable

import limits

from .store import engines, urls


def read_database_url(text: str) -> str:
    """Read the URL of a database whose driver is installed."""
    if not engines.has_driver(urls.parse(text)):
        raise urls.UrlMistake("PyMySQL is missing, which restcomm-apps[mysql] installs")
    return text


def read_root_path(text: str) -> str:
    """Read a path into what stands before the API's own, without a slash at its end."""
    root = text.rstrip("/")
    if root and not re.fullmatch(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", root):
        raise ValueError(text)
    if re.search(r"\.(?:json|xml)(?:/|$)", root):  # would be taken for the suffix of a format
        raise ValueError(text)
    return root


def read_timezone(text: str) -> zoneinfo.ZoneInfo:
    """Read the name of a zone of the tz database."""
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error


def one_of(*allowed: str) -> Callable[[str], str]:
    """Make a reader that takes these texts alone, as they are."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


def read_delete_status(text: str) -> int:
    """Read 200 or 204 as a number."""
    return int(one_of("200", "204")(text))


def read_switch(text: str) -> bool:
    """Read on or off as a bool."""
    return one_of("on", "off")(text) == "on"


_BIND = re.compile(r"unix:.+|(?:\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})")


def read_bind(text: str) -> str:
    """Read where to listen: HOST:PORT or unix:PATH."""
    match = _BIND.fullmatch(text)
    if match is None or int(match[1] or 0) >= 2**16:
        raise ValueError(text)
    return text


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")


def read_origins(text: str) -> frozenset[str]:
    """Read origins into a set of texts as browsers send them."""
    for origin in text.split():
        match = _ORIGIN.fullmatch(origin)
        if match is None or int(match[1] or 1) not in range(1, 2**16):
            raise ValueError(text)
    return frozenset(text.split())


def read_login_limit(text: str) -> limits.RateLimitItem | None:
    """Read a rate such as 10/minute, or None where there is none."""
    if text in ("", "0"):
        return None
    (limit,) = limits.parse_many(text)
    if limit.amount < 1:
        raise ValueError(text)
    return limit


def read_size(text: str) -> int:
    """Read a number of bytes from 1 KiB to 1 GiB."""
    size = int(text)
    if not 1024 <= size <= 2**30:
        raise ValueError(text)
    return size
