"""SQL expressions that mean the same on SQLite and on MariaDB, whatever the tables' collations."""

from typing import TypeVar

import peewee
from peewee import fn

from .database import is_mysql

# Rows that one statement names by their sids: engines bound the number of parameters.
SIDS_AT_ONCE = 500

M = TypeVar("M", bound=peewee.Model)

_LAST_CHARACTER = "\U0010ffff"


def exactly(column: peewee.ColumnBase, text: str) -> peewee.Expression:
    """Match a text to the letter, though a collation may fold case, accents and trailing spaces."""
    same = column == text
    if not is_mysql():
        return same
    # Beside the plain comparison, which finds the rows by index.
    return same & (to_the_letter(column) == peewee.Value(text).cast("BINARY"))


def begins_with(column: "peewee.CharField[str]", beginning: str) -> peewee.Expression:
    """Match the texts that begin with this one, to the letter; nothing in it is a wildcard."""
    # LIKE would fold case on SQLite and use no index; on MariaDB, which pads with spaces what it
    # compares, it misses the characters beyond the basic plane.
    first = f"{beginning}\0" if is_mysql() else beginning
    within = column.between(first, beginning.ljust(column.max_length, _LAST_CHARACTER))
    if not is_mysql():
        return within
    return within & exactly(fn.LEFT(column, len(beginning)), beginning)


def to_the_letter(text: peewee.ColumnBase) -> peewee.ColumnBase:
    """Make an expression whose comparisons tell cases, accents and trailing spaces apart.

    It also keeps columns of different collations comparable; indexes do not serve it.
    """
    if not is_mysql():
        return text
    return peewee.Cast(fn.CONVERT(peewee.NodeList((text, peewee.SQL("USING utf8mb4")))), "BINARY")


def length(text: peewee.ColumnBase | str) -> peewee.Function:
    """Count the characters of a text."""
    return fn.CHAR_LENGTH(text) if is_mysql() else fn.LENGTH(text)


def joined(first: str, *others: peewee.ColumnBase | str) -> peewee.ColumnBase:
    """Join texts and columns into one text."""
    if is_mysql():
        return fn.CONCAT(first, *others)
    text: peewee.ColumnBase = peewee.Value(first)
    for other in others:
        text = text.concat(other)
    return text


def ends_with(text: peewee.ColumnBase, end: peewee.ColumnBase) -> peewee.Expression:
    """Match the texts that end with another, exactly."""
    return to_the_letter(fn.SUBSTR(text, length(text) - length(end) + 1)) == to_the_letter(end)


def has_other_than_alphanumerics(text: peewee.ColumnBase) -> peewee.Expression:
    """Match the texts that have any character but ASCII letters and digits."""
    if is_mysql():
        return text.iregexp("[^a-zA-Z0-9]")
    return peewee.Expression(text, "GLOB", "*[^a-zA-Z0-9]*")


def pointed_at(
    column: peewee.ColumnBase,
    target: "peewee.ModelAlias[M]",
    collation: tuple[str, str] | None,
) -> "peewee.ModelSelect[M]":
    """Select the rows of ``target``, a model's alias, whose sid a column holds, exactly.

    ``collation`` is the (charset, collation) of that sid, or None on SQLite: a comparison in it
    can use the primary key.
    """
    same = target.sid == _in_collation(column, collation)
    if collation:
        same &= to_the_letter(target.sid) == to_the_letter(column)
        # Chance keeps MariaDB from answering for a row what it remembers of another, whose column
        # differs in case alone (optimizer_switch subquery_cache).
        same &= fn.RAND() >= 0
    return target.select(peewee.SQL("1")).where(same)


def _in_collation(
    column: peewee.ColumnBase, collation: tuple[str, str] | None
) -> peewee.ColumnBase:
    if collation is None:
        return column
    charset, name = map(peewee.SQL, collation)
    converted = fn.CONVERT(peewee.NodeList((column, peewee.SQL("USING"), charset)))
    return peewee.NodeList((converted, peewee.SQL("COLLATE"), name))
