"""What the database's own errors say."""

import re

import peewee

from .mariadb import error_number

_DOES_NOT_FIT = (1366, 1406)
_COLUMN = re.compile(r"for column [^ ]*?([a-z_]+)[`'] at row")


def refused_column(error: Exception) -> str | None:
    """Return the column whose character set or length could not hold a value, or None."""
    match = _COLUMN.search(str(error)) if error_number(error) in _DOES_NOT_FIT else None
    return match and match[1]


def is_unusable(error: Exception) -> bool:
    """Return whether an error says that the database cannot be used (not there, too old a table).

    Others say that a rule is broken.
    """
    # A file that is no database raises DatabaseError itself, the parent of both kinds.
    unusable = (peewee.OperationalError, peewee.InterfaceError, peewee.ProgrammingError)
    return isinstance(error, unusable) or type(error) is peewee.DatabaseError
