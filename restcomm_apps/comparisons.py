"""Comparisons of texts to the letter, whatever the database's collation, that an index narrows."""

import peewee

from .database import database

_LAST_CHARACTER = "\U0010ffff"


def equals(column, text):
    """Make the condition that a column holds exactly a text."""
    if _folds_case():
        return (column == text) & (_octets(column) == _octets(text))
    return column == text


def begins_with(column, beginning):
    """Make the condition that a column's text begins with exactly this one; nothing is a wildcard."""
    if _folds_case():
        start = peewee.fn.LEFT(column, len(beginning))
        return column.startswith(beginning) & (_octets(start) == _octets(beginning))
    # LIKE would fold case here too, and use no index.
    return column.between(beginning, beginning.ljust(column.max_length, _LAST_CHARACTER))


def _folds_case():
    # Collations of MariaDB and MySQL may take "a", "A" and "a " for the same; SQLite's does not.
    return isinstance(database.obj, peewee.MySQLDatabase)


def _octets(text):
    """Give a column's or a plain text in UTF-8, which no collation compares."""
    text = text if isinstance(text, peewee.Node) else peewee.Value(text)
    in_utf8 = peewee.NodeList((peewee.SQL("CONVERT("), text, peewee.SQL("USING utf8mb4)")))
    return peewee.Cast(in_utf8, "BINARY")
