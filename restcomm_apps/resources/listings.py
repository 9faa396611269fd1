"""Lists as a database gives them: the rows of any query in a total order, all of them or a page.

A list goes on after a row, named by its values in the columns of the order. That is exact while
others create and remove, and costs the same anywhere in the list. It is read in whole batches,
which are bounded by rows and by octets, so that it needs no cursor while a client reads, and no
more memory than its largest row.
"""

import bisect
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, reduce
from operator import add, itemgetter
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import peewee

from restcomm_apps.store.columns import MediumTextField
from restcomm_apps.store.database import is_mysql
from restcomm_apps.store.expressions import SIDS_AT_ONCE
from restcomm_apps.store.prepared import read_rows

from .selection import Part, Place

# Rows that are read at once.
BATCH = 1000
# The octets of long texts that are held at once: of a batch, unless one row alone has more; and of
# a row that is read with its batch. The texts of others are read when their turn comes, so that
# what they cost is known before.
LARGEST_BATCH, LARGEST_LIGHT_ROW = 2**20, 2**10

# The last column: how many octets a heavy row's long texts have, which are then not read; None of a
# light row.
_OCTETS = "octets"
_octets_of = itemgetter(-1)

M = TypeVar("M", bound=peewee.Model)

# A named tuple of what the driver gives; which columns it has is known where its query is written.
Row: TypeAlias = Any
# What a row has in the columns of the order, as texts.
Values = tuple[str, ...]


class Batch(NamedTuple):
    """Rows, named tuples, that were read together, and whether they are the last of the list.

    Of a single row ``lists`` are the rows of a property that is a list, too long to be held.
    """

    rows: list[Row]
    is_last: bool
    lists: Iterator[list[Row]] | None = None


class Page(NamedTuple):
    """A part of a list: its rows in batches, their number, the position of the first, that of all.

    ``preceding`` is the place that the part begins after, or None. ``following`` is that of the
    last row where others follow, or empty where their page is found by its number; None where this
    is the end.
    """

    part: Part
    batches: Iterator[Batch]
    length: int
    start: int
    total: int
    following: Place | tuple[()] | None
    preceding: Place | None


class Listing(Generic[M]):
    """The rows of a query in the order of columns, of which the last makes it total.

    ``select()`` makes the query: columns and conditions, neither an order nor a limit; it is
    called only where there is no statement for it. With ``grows_at_its_end`` no row is ever added
    or removed before another, so that the number of a page says where it begins.
    """

    def __init__(
        self,
        select: "Callable[[], peewee.ModelSelect[M]]",
        order: Sequence[peewee.Field],
        descending: bool = False,
        grows_at_its_end: bool = False,
    ) -> None:
        self._select = select
        self._order = order
        self._descending = descending
        self._grows_at_its_end = grows_at_its_end

    @cached_property
    def _query(self) -> "peewee.ModelSelect[M]":
        return self._select()

    def batches(self) -> Iterator[Batch]:
        """Yield all rows in Batches; any may be empty."""
        rows = self._read_first()
        while len(rows) == BATCH:
            after = self.values_of(rows[-1])
            yield from self._complete(rows, is_end=False)
            rows = self._read_after(after, BATCH)
        yield from self._complete(rows, is_end=True)

    def page(self, part: Part) -> Page:
        """Read the Page that is asked for."""
        after = self._find_place(part)
        wanted = part.size + 1  # One more shows whether others follow.
        start = part.size * (part.page or 0)
        total = self._query.count()
        if after is None:
            rows = read_rows(self.in_order().limit(wanted).offset(start))
        else:
            rows = self._read_after(after, wanted)
            start = total - sum(following.count() for following in self._after(after))
        shown = rows[: part.size]
        following = self._describe_place(shown[-1]) if len(rows) > len(shown) else None
        batches = self._complete(shown, is_end=True)
        return Page(
            part, batches, len(shown), start, total, following, _as_place(after) if after else None
        )

    def _find_place(self, part: Part) -> Values | None:
        """Return the values that a page begins after, or None, here in an order by sid."""
        return None if part.after is None else (part.after[0],)

    def _describe_place(self, row: Row) -> Place | tuple[()]:
        if self._grows_at_its_end:
            return ()
        return _as_place(self.values_of(row))

    def values_of(self, row: object) -> Values:
        """Return the values of a row in the columns of the order, as texts."""
        return tuple(str(getattr(row, column.name)) for column in self._order)

    def in_order(self, shared: int = 0) -> "peewee.ModelSelect[M]":
        """Select in order, where the first ``shared`` columns of it hold the same in all rows."""
        order = self._order[shared:]
        query = self._query.select(*self._light_columns())
        return query.order_by(*(column.desc() for column in order) if self._descending else order)

    def _light_columns(self) -> list[peewee.ColumnBase]:
        """List the columns as a batch has them: with the long texts of light rows only."""
        columns = self._query.selected_columns
        octets = _octets([column for column in columns if isinstance(column, MediumTextField)])
        light = [
            peewee.Case(None, [(octets <= LARGEST_LIGHT_ROW, column)]).alias(column.name)
            if isinstance(column, MediumTextField)
            else column
            for column in columns
        ]
        heavy = peewee.Case(None, [(octets > LARGEST_LIGHT_ROW, octets)])
        return [*light, heavy.alias(_OCTETS)]

    def _read_first(self) -> list[Row]:
        return read_rows(self.in_order().limit(BATCH))

    def _read_after(self, values: Values, limit: int) -> list[Row]:
        rows: list[Row] = []
        for part in self._after(values):
            if len(rows) < limit:
                rows.extend(read_rows(part.limit(limit - len(rows))))
        return rows

    def _after(self, values: Values) -> "list[peewee.ModelSelect[M]]":
        """List the queries that together find what follows a row of these values, in order.

        First the rows that share all but the last column with it, then all but the last two, and
        so on: each is one range of the order's index, which one condition on all columns would
        not be.
        """
        parts = []
        for depth in reversed(range(len(self._order))):
            conditions = [self._order[n] == values[n] for n in range(depth)]
            column, value = self._order[depth], values[depth]
            conditions.append(column < value if self._descending else column > value)
            parts.append(self.in_order(depth).where(*conditions))
        return parts

    def _complete(self, rows: list[Row], is_end: bool) -> Iterator[Batch]:
        """Yield Batches of rows that were read, with all of their texts."""
        groups = _split(rows)
        while groups:
            group = groups.pop(0)
            yield from self._finish(self._with_texts(group), is_end and not groups)

    def _finish(self, rows: list[Row], is_last: bool) -> Iterator[Batch]:
        """Yield Batches of rows that have all that the model has."""
        yield Batch(rows, is_last)

    def _with_texts(self, rows: list[Row]) -> list[Row]:
        """Read the heavy ones of some rows, at once; those that have been removed are left out."""
        if not _has_heavy(rows):
            return rows
        heavy = [row for row in rows if _octets_of(row)]
        *same, key = self._query.model._meta.get_primary_keys()
        own = [column == getattr(heavy[0], column.name) for column in same]
        own.append(key.in_([getattr(row, key.name) for row in heavy]))
        columns = self._query.selected_columns
        query = self._query.model.select(*columns, peewee.Value(None).alias(_OCTETS))
        found = {getattr(row, key.name): row for row in read_rows(query.where(*own))}
        whole = [found.get(getattr(row, key.name)) if _octets_of(row) else row for row in rows]
        return [rows[0]._make(row) for row in whole if row is not None]


class SidListing(Listing[M]):
    """The rows of a model that have certain sids, which are given in order."""

    def __init__(self, model: type[M], sids: Sequence[str]) -> None:
        super().__init__(model.select, (model._meta.fields["sid"],))
        self._sids = sids

    def batches(self) -> Iterator[Batch]:
        """Yield all rows in Batches; any may be empty."""
        return self._batches_of(self._sids)

    def page(self, part: Part) -> Page:
        """Read the Page that is asked for."""
        start = part.size * (part.page or 0)
        preceding = None
        if part.after is not None:
            preceding = (part.after[0], ())
            start = bisect.bisect(self._sids, preceding[0])
        end = start + part.size
        shown, others = self._sids[start:end], self._sids[end:]
        following = (shown[-1], ()) if others else None
        batches = self._batches_of(shown)
        return Page(part, batches, len(shown), start, len(self._sids), following, preceding)

    def _batches_of(self, sids: Sequence[str]) -> Iterator[Batch]:
        for start in range(0, max(len(sids), 1), SIDS_AT_ONCE):
            chunk = sids[start : start + SIDS_AT_ONCE]
            rows = read_rows(self.in_order().where(self._order[-1].in_(chunk)))
            yield from self._complete(rows, is_end=start + SIDS_AT_ONCE >= len(sids))


def _as_place(values: Values) -> Place:
    *key, sid = values
    return sid, tuple(key)


def _octets(texts: list[MediumTextField]) -> peewee.ColumnBase:
    """Count the octets that columns of texts have together; NULL where one has none."""
    lengths = [peewee.fn.LENGTH(text if is_mysql() else text.cast("BLOB")) for text in texts]
    if len(lengths) == 1:
        return lengths[0]
    return reduce(add, [peewee.fn.COALESCE(length, 0) for length in lengths])


def _has_heavy(rows: list[Row]) -> bool:
    return any(map(_octets_of, rows))


def _split(rows: list[Row]) -> list[list[Row]]:
    """Split rows into lists, at least one, wherever long texts may be more than LARGEST_BATCH."""
    if not _has_heavy(rows):
        return [rows]
    groups: list[list[Row]] = [[]]
    held = 0
    for row in rows:
        octets = _octets_of(row) or LARGEST_LIGHT_ROW
        held += octets
        if held > LARGEST_BATCH and groups[-1]:
            groups.append([])
            held = octets
        groups[-1].append(row)
    return groups
