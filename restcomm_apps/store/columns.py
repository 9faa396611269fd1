"""The kinds of columns that Restcomm's tables and this service's own have in common."""

from datetime import datetime

import peewee

from .database import is_mysql

_LAST_CHARACTER = "\U0010ffff"


class LocalDateTimeField(peewee.Field):
    """A naive local time, handed through as the driver gives it; ``dates`` reads and prints it."""

    field_type = "DATETIME"

    def db_value(self, value):
        """Cut off what MariaDB's whole seconds cannot hold; MySQL would round it."""
        if value is None or not is_mysql():
            return value
        if isinstance(value, datetime):
            return value.replace(microsecond=0)
        return value.partition(".")[0]


class MediumTextField(peewee.TextField):
    """A long text, under the name that Restcomm's databases give it."""

    field_type = "MEDIUMTEXT"


class FlagField(peewee.BooleanField):
    """A boolean, under the name that Restcomm's databases give it."""

    field_type = "BOOLEAN"


class SidField(peewee.CharField):
    """A sid, 34 characters."""

    def __init__(self, **options):
        super().__init__(max_length=34, **options)


def exactly(column, text):
    """Match a text to the letter, though a collation may fold case, accents and trailing spaces."""
    same = column == text
    if not is_mysql():
        return same
    # Beside the plain comparison, which finds the rows by index.
    in_utf8 = peewee.fn.CONVERT(peewee.NodeList((column, peewee.SQL("USING utf8mb4"))))
    return same & (in_utf8.cast("BINARY") == peewee.Value(text).cast("BINARY"))


def begins_with(column, beginning):
    """Match the texts that begin with this one, to the letter; nothing in it is a wildcard."""
    # LIKE would fold case on SQLite and use no index; on MariaDB, which pads with spaces what it
    # compares, it misses the characters beyond the basic plane.
    first = f"{beginning}\0" if is_mysql() else beginning
    within = column.between(first, beginning.ljust(column.max_length, _LAST_CHARACTER))
    if not is_mysql():
        return within
    return within & exactly(peewee.fn.LEFT(column, len(beginning)), beginning)
