"""SQL expressions that mean the same on SQLite and on MariaDB, whatever the tables' collations."""

import functools

import peewee
from peewee import fn

from .database import is_mysql


def to_the_letter(text):
    """Make an expression whose comparisons tell cases, accents and trailing spaces apart.

    It also keeps columns of different collations comparable; indexes do not serve it.
    """
    if not is_mysql():
        return text
    return peewee.Cast(fn.CONVERT(peewee.NodeList((text, peewee.SQL("USING utf8mb4")))), "BINARY")


def length(text):
    """Count the characters of a text."""
    return fn.CHAR_LENGTH(text) if is_mysql() else fn.LENGTH(text)


def joined(first, *others):
    """Join texts and columns into one text."""
    if is_mysql():
        return fn.CONCAT(first, *others)
    return functools.reduce(lambda left, right: left.concat(right), others, peewee.Value(first))


def ends_with(text, end):
    """Tell whether a text ends with another, exactly."""
    return to_the_letter(fn.SUBSTR(text, length(text) - length(end) + 1)) == to_the_letter(end)


def has_other_than_alphanumerics(text):
    """Tell whether a text has any character but ASCII letters and digits."""
    if is_mysql():
        return text.iregexp("[^a-zA-Z0-9]")
    return peewee.Expression(text, "GLOB", "*[^a-zA-Z0-9]*")


def pointed_at(column, target, collation):
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


def _in_collation(column, collation):
    if collation is None:
        return column
    charset, name = map(peewee.SQL, collation)
    converted = fn.CONVERT(peewee.NodeList((column, peewee.SQL("USING"), charset)))
    return peewee.NodeList((converted, peewee.SQL("COLLATE"), name))
