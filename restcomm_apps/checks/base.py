"""What all checks of the database are made of, and what they find.

Rows are counted and changed by queries, so that a table of any size takes no memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import peewee

from .inventory import Field, Inventory

# What breaks the service, or a Restcomm beside it; and what both can live with.
WRONG, INFORMATIONAL = "wrong", "informational"
# How many rows of a finding are shown.
EXAMPLES = 3

# A row as it is shown: names, and texts or numbers.
Example = Mapping[str, str | int | None]


class Finding(NamedTuple):
    """What a check found in one table, or in one column of it.

    ``statements`` mend it.
    """

    table: str
    column: str | None
    number: int
    examples: list[Example]
    statements: tuple[peewee.Node, ...] = ()


class Check(NamedTuple):
    """One check: its stable name, how bad what it finds is, and how it finds that.

    ``meaning`` says what is the matter with what was found, ``mending`` what ``--fix NAME`` does
    about it, or None where nothing can be done without guessing.
    """

    name: str
    severity: str
    meaning: str
    find: Callable[[Inventory], Iterable[Finding]]
    mending: str | None = None


class Rows(NamedTuple):
    """Rows of one table that are to be found: those where the expression ``where`` holds.

    ``reads`` are the fields it takes, of any table; the rows are those of the first one's table.
    Their examples show ``shows`` besides the sid. ``new_values`` mend them.
    """

    where: peewee.ColumnBase
    reads: tuple[Field, ...]
    shows: tuple[Field, ...] = ()
    new_values: Mapping[Field, peewee.ColumnBase | None] | None = None
    column: "Field | None" = None

    def find(self, inventory: Inventory) -> Iterator[Finding]:
        """Yield the Finding of these rows, if there are any and all columns are there."""
        model = self.reads[0].model
        if not inventory.has(model.sid, *self.reads, *self.shows):
            return
        number = model.select().where(self.where).count()
        if not number:
            return
        shown = model.select(model.sid, *self.shows).where(self.where)
        rows = shown.order_by(model.sid).limit(EXAMPLES)
        yield Finding(
            model._meta.table_name,
            None if self.column is None else self.column.column_name,
            number,
            [{name: _plain(value) for name, value in row.items()} for row in rows.dicts()],
            (model.update(self.new_values).where(self.where),) if self.new_values else (),
        )


def _plain(value: object) -> str | int | None:
    return value if value is None or isinstance(value, int) else str(value)


def rows_check(
    name: str,
    severity: str,
    meaning: str,
    find_rows: Callable[[Inventory], Iterable[Rows]],
    mending: str | None = None,
) -> Check:
    """Make the Check of the Rows that ``find_rows`` yields."""

    return Check(name, severity, meaning, partial(_find_all, find_rows), mending)


def _find_all(
    find_rows: Callable[[Inventory], Iterable[Rows]], inventory: Inventory
) -> Iterator[Finding]:
    for rows in find_rows(inventory):
        yield from rows.find(inventory)
