"""What all checks of the database are made of, and what they find.

Rows are counted and changed by queries, so that a table of any size takes no memory.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

# What the service, or a Restcomm beside it, goes wrong on; and what both can live with.
WRONG, INFORMATIONAL = "wrong", "informational"
# How many rows of a finding are shown.
EXAMPLES = 3


class Check(NamedTuple):
    """One check: its stable name, how bad what it finds is, and how it finds that.

    ``find(install)`` yields Findings; ``meaning`` says what is the matter with what was found,
    ``mending`` what ``--fix NAME`` does about it, or None where nothing can be done without
    guessing.
    """

    name: str
    severity: str
    meaning: str
    find: Callable
    mending: str | None = None


class Finding(NamedTuple):
    """What a check found in one table, or in one column of it.

    ``examples`` are dicts of texts and numbers; ``statements`` are peewee nodes that mend it.
    """

    table: str
    column: str | None
    count: int
    examples: list
    statements: tuple = ()


class Rows(NamedTuple):
    """Rows of one table that are to be found: those where the expression ``where`` holds.

    ``reads`` are the fields it takes, of any table; the rows are those of the first one's table.
    Their examples show ``shows`` besides the sid. ``changes`` ({field: value}) mends them.
    """

    where: Any
    reads: tuple
    shows: tuple = ()
    changes: dict | None = None
    column: Any = None

    def find(self, install):
        """Yield the Finding of these rows, if there are any and the columns are there to tell."""
        model = self.reads[0].model
        if not install.has(model.sid, *self.reads, *self.shows):
            return
        count = model.select().where(self.where).count()
        if not count:
            return
        shown = model.select(model.sid, *self.shows).where(self.where)
        rows = shown.order_by(model.sid).limit(EXAMPLES)
        yield Finding(
            model._meta.table_name,
            self.column and self.column.column_name,
            count,
            [{name: _plain(value) for name, value in row.items()} for row in rows.dicts()],
            (model.update(self.changes).where(self.where),) if self.changes else (),
        )


def _plain(value):
    return value if value is None or isinstance(value, int) else str(value)


def rows_check(name, severity, meaning, find_rows, mending=None):
    """Make the Check of the Rows that ``find_rows(install)`` yields."""

    def find(install):
        for rows in find_rows(install):
            yield from rows.find(install)

    return Check(name, severity, meaning, find, mending)
