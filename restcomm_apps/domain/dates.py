"""Dates as Restcomm stores and prints them.

The database holds naive local times of the setting TIMEZONE; replies print them in RFC 2822's
manner with that zone's offset. English names whatever the locale.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_STORED = re.compile(r"(\d{4,9}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.\d*)?")
_SEPARATORS = re.compile(r"[- T:]")
_GREGORIAN_CYCLE = 400  # years after which weekdays and leap years repeat


def local_now(zone: tzinfo) -> datetime:
    """Return the present as the database holds it: naive, in ``zone``."""
    return datetime.now(zone).replace(tzinfo=None)


def utc_now() -> str:
    """Return the present as a text of fixed length, e.g. ``2026-11-23T23:42:28.000123Z``."""
    return utc_text(datetime.now(timezone.utc))


def utc_text(moment: datetime) -> str:
    """Write a moment, naive or of any zone, as ``utc_now`` does; a naive one is UTC already."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds") + "Z"


def local_of(utc: str, zone: tzinfo) -> datetime:
    """Turn a text of ``utc_now`` into what the database holds elsewhere: naive, in ``zone``."""
    moment = datetime.fromisoformat(utc.removesuffix("Z")).replace(tzinfo=timezone.utc)
    return moment.astimezone(zone).replace(tzinfo=None)


def format_dates(column: Iterable[object], zone: tzinfo) -> list[str | None]:
    """Print a column of stored dates; None where there is none. See ``format_date``."""
    return list(map(_printed_in(zone).__getitem__, column))


class _Printed(dict[object, str | None]):
    """Dates that were printed lately, by what is stored: a list has most of them many times."""

    _MOST = 4096

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone

    def __missing__(self, stored: object) -> str | None:
        if len(self) >= self._MOST:
            self.clear()
        self[stored] = printed = None if stored is None else format_date(stored, self.zone)
        return printed


@lru_cache
def _printed_in(zone: tzinfo) -> _Printed:
    return _Printed(zone)


def format_date(stored: object, zone: tzinfo) -> str:
    """Print a stored date, e.g. ``Fri, 23 Nov 2018 14:05:09 +0000``.

    ``stored`` is a naive datetime or SQLite's text, of any year from 0001 on; fractions of a
    second are cut off. A text that is no date is returned as it is, so that one odd row does not
    take a whole list away. Source: legacy/FORMAT.md, ``EEE, d MMM yyyy HH:mm:ss Z``.
    """
    match = _STORED.fullmatch(str(stored))
    printed = match and _format_second(match[1], zone)
    return str(stored) if printed is None else printed


@lru_cache(maxsize=4096)
def _format_second(text: str, zone: tzinfo) -> str | None:
    """Print a date without fractions of a second, or None where there is no such date."""
    year, month, day, hour, minute, second = map(int, _SEPARATORS.split(text))
    # Python's datetime has the years 1 to 9999, and an offset may lead out of them.
    cycles = max(0, (year - 9000) // _GREGORIAN_CYCLE) or -(year == 1)
    try:
        naive = datetime(year - cycles * _GREGORIAN_CYCLE, month, day, hour, minute, second)
        local = _in_zone(naive, zone)
    except (ValueError, OverflowError):
        return None
    return (
        f"{_DAYS[local.weekday()]}, {local.day} {_MONTHS[local.month - 1]} "
        f"{local.year + cycles * _GREGORIAN_CYCLE:04d} {local:%H:%M:%S} "
        f"{_format_offset(local.utcoffset() or timedelta(0))}"
    )


def _in_zone(naive: datetime, zone: tzinfo) -> datetime:
    """Read a naive local time as java.util.GregorianCalendar does.

    An hour that a clock change repeats is standard time, one that it skips moves on by the gap.
    """
    local = naive.replace(tzinfo=zone, fold=1)
    if local.astimezone(timezone.utc).astimezone(zone).replace(tzinfo=None) == naive:
        return local
    return naive.replace(tzinfo=zone, fold=0).astimezone(timezone.utc).astimezone(zone)


def _format_offset(offset: timedelta) -> str:
    """Print an offset as ``+HHMM``; the seconds of a local mean time are cut off."""
    minutes = abs(offset) // timedelta(minutes=1)
    sign = "-" if offset < timedelta(0) and minutes else "+"
    return f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
