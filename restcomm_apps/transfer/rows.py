"""Rows in transfer: what a source hands over, and what of it Restcomm's tables can take.

Readers yield ``SourceRow``s, and a ``BadRow`` in place of each row that they cannot read.
"""

import functools
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias

import peewee

from restcomm_apps.domain import sids
from restcomm_apps.domain.vocabulary import FIRST_ORGANIZATION
from restcomm_apps.store.columns import FlagField, LocalDateTimeField, MediumTextField, SidField
from restcomm_apps.store.models import TABLES, Account, RestcommModel

MODELS: dict[str, type[RestcommModel]] = {model._meta.table_name: model for model in TABLES}

# What a driver takes for the columns of a row, by their names.
Values: TypeAlias = dict[str, Any]

_TEXT_BYTES = 2**24 - 1  # of a MEDIUMTEXT
_INTEGERS = range(-(2**31), 2**31)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d{0,9}))?)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FLAGS = {True: True, False: False, b"\x01": True, b"\x00": False}

# What a release without the column, or a null in it, means; of columns that must not be null.
_DEFAULTS = {"organization_sid": FIRST_ORGANIZATION[0]}


class SourceRow(NamedTuple):
    """A row as its source has it: {column: value}, and where it stands there."""

    table: str
    columns: dict[str, object]
    where: str


class BadRow(NamedTuple):
    """A row that cannot be taken: where it stands, and a reason that follows a colon."""

    where: str
    reason: str


class Refused(Exception):
    """A row cannot be taken; the text is the reason."""


def values_of(row: SourceRow) -> Values:
    """Validate a SourceRow into the values of its model's columns, in the form they are stored.

    Columns that the model lacks are left out. Dates are texts, with a fraction of six digits only
    where there is one. Raises Refused.
    """
    model = MODELS[row.table]
    columns = row.columns
    if model is Account and "parent_sid" not in columns and "account_sid" in columns:
        # The column's name in the oldest releases.
        columns = columns | {"parent_sid": columns["account_sid"]}
    fields = model.present_fields().values()
    return {field.name: stored_value(field, columns.get(field.name)) for field in fields}


def unknown_columns(row: SourceRow) -> set[str]:
    """Return the set of a SourceRow's columns that its table has no place for."""
    unknown = row.columns.keys() - MODELS[row.table].present_fields().keys()
    return unknown - {"account_sid"} if row.table == "restcomm_accounts" else unknown


def stored_value(field: peewee.Field, value: object) -> object:
    """Turn a value into the form in which its column is stored. Raises Refused."""
    if value is not None:
        kind = type(field)
        return _reader_of(kind)(field, value)  # type: ignore[arg-type]  # A class has a hash.
    if field.null:
        return None
    if field.name not in _DEFAULTS:
        raise Refused(f"{field.name} must not be null")
    return _DEFAULTS[field.name]


def _read_date(field: peewee.Field, value: object) -> str:
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    match = _DATE.fullmatch(text)
    if match is None or not isinstance(value, (str, date)):
        raise Refused(f"{field.name} is no date such as 2016-06-01 10:00:00: {_shown(value)}")
    day, time, fraction = match[1], match[2] or "00:00:00", (match[3] or "")[:6].rstrip("0")
    try:
        datetime.fromisoformat(f"{day} {time}")
    except ValueError as error:
        raise Refused(f"{field.name} is no date of the calendar: {_shown(value)}") from error
    return f"{day} {time}.{fraction:0<6}" if fraction else f"{day} {time}"


def _read_flag(field: peewee.Field, value: object) -> bool:
    if not isinstance(value, (bool, int, bytes)) or value not in _FLAGS:
        raise Refused(f"{field.name} is neither true nor false: {_shown(value)}")
    return _FLAGS[value]


def _read_integer(field: peewee.Field, value: object) -> int:
    if type(value) is not int or value not in _INTEGERS:
        raise Refused(f"{field.name} is no number of 32 bits: {_shown(value)}")
    return value


def _read_sid(field: SidField, value: object) -> str:
    # What may be null is a reference, which does no harm where it leads nowhere.
    if not field.null and not (isinstance(value, str) and sids.is_sid(value)):
        raise Refused(f"{field.name} must be 34 letters and digits: {_shown(value)}")
    return _read_text(field, value)


def _read_text(field: peewee.CharField, value: object) -> str:
    text = _as_text(field, value)
    if len(text) > field.max_length:
        raise Refused(
            f"{field.name} has {len(text)} characters, at most {field.max_length} are allowed"
        )
    return text


def _read_long_text(field: peewee.Field, value: object) -> str:
    text = _as_text(field, value)
    if 4 * len(text) > _TEXT_BYTES and len(text.encode()) > _TEXT_BYTES:
        raise Refused(f"{field.name} has more than {_TEXT_BYTES} bytes")
    return text


def _as_text(field: peewee.Field, value: object) -> str:
    # Where a release kept a number, e.g. a cost.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Refused(f"{field.name} is no text: {_shown(value)}")
    if not value.isascii() and _SURROGATE.search(value):
        raise Refused(f"{field.name} holds half a character (a surrogate): {_shown(value)}")
    return value


def _shown(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


# Turns a value into the form in which a column of its kind is stored.
Reader = Callable[[Any, object], object]

# The first that fits: a SidField is a CharField too.
_READERS: tuple[tuple[type[peewee.Field], Reader], ...] = (
    (SidField, _read_sid),
    (LocalDateTimeField, _read_date),
    (FlagField, _read_flag),
    (MediumTextField, _read_long_text),
    (peewee.CharField, _read_text),
    (peewee.IntegerField, _read_integer),
)


@functools.cache
def _reader_of(kind: type[peewee.Field]) -> Reader:
    return next(read for parent, read in _READERS if issubclass(kind, parent))
