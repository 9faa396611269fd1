"""Lists as a database gives them: the rows of any query in a total order, all of them or a page.

A list goes on after a place: the values of a row in the columns of the order. That is exact while
others create and remove, and costs the same anywhere in the list. It is read in whole batches,
which are bounded by rows and by octets, so that it needs no cursor while a client reads, and no
more memory than its largest row.
"""

import bisect
from collections.abc import Iterator
from functools import cached_property, reduce
from operator import add, itemgetter
from typing import NamedTuple

import peewee

from restcomm_apps.store.columns import MediumTextField
from restcomm_apps.store.database import is_mysql
from restcomm_apps.store.prepared import read_rows

from .selection import Page, Selection

# Rows that are read at once.
BATCH = 1000
# Rows that are named in one query: engines bound the number of parameters.
SIDS_AT_ONCE = 500
# The octets of long texts that are held at once: of a batch, unless one row alone has more; and of
# a row that is read with its batch. The texts of others are read when their turn comes, so that
# what they cost is known before.
LARGEST_BATCH, LARGEST_LIGHT_ROW = 2**20, 2**10

# The name of the column that tells the octets of a heavy row's long texts, which are then not read;
# None of a light row. It is the last.
_OCTETS = "octets"
_octets_of = itemgetter(-1)


class Batch(NamedTuple):
    """Rows, named tuples, that were read together, and whether they are the last of the list.

    Of a single row ``lists`` are the rows of a property that is a list, too long to be held.
    """

    rows: list
    is_last: bool
    lists: Iterator[list] | None = None


class Listing:
    """The rows of a query in the order of columns, of which the last makes it total.

    ``select()`` gives the query: columns and conditions, neither an order nor a limit; it is
    called only where there is no statement for it. ``grows_at_its_end`` tells that no row ever
    comes or goes before another, so that the number of a page says where it begins.
    """

    def __init__(self, select, order, descending=False, grows_at_its_end=False):
        self._select = select
        self._order = order
        self._descending = descending
        self._grows_at_its_end = grows_at_its_end

    @cached_property
    def _query(self):
        return self._select()

    def batches(self) -> Iterator[Batch]:
        """Yield all rows in Batches; any may be empty."""
        rows = self._read_first()
        while len(rows) == BATCH:
            after = self.place_of(rows[-1])
            yield from self._complete(rows, is_end=False)
            rows = self._read_after(after, BATCH)
        yield from self._complete(rows, is_end=True)

    def page(self, selection: Selection) -> Page:
        """Read the Page that a Selection asks for."""
        place = self._find_place(selection)
        wanted = selection.page_size + 1  # One more tells whether others follow.
        start = selection.page_size * (selection.page or 0)
        total = self._query.count()
        if place is None:
            rows = read_rows(self.in_order().limit(wanted).offset(start))
        else:
            rows = self._read_after(place, wanted)
            start = total - sum(part.count() for part in self._after(place))
        shown = rows[: selection.page_size]
        following = self._describe_place(shown[-1]) if len(rows) > len(shown) else None
        batches = self._complete(shown, is_end=True)
        return Page(batches, len(shown), start, total, following, _as_link(place))

    def _find_place(self, selection):
        """Give the place that a page begins after, or None; this is that of an order by sid."""
        return selection.after_sid and (selection.after_sid,)

    def _describe_place(self, row):
        if self._grows_at_its_end:
            return ()
        return _as_link(self.place_of(row))

    def place_of(self, row: tuple) -> tuple[str, ...]:
        """Give the place of a row: its values in the columns of the order, as texts."""
        return tuple(str(getattr(row, column.name)) for column in self._order)

    def in_order(self, shared: int = 0) -> peewee.ModelSelect:
        """Select in order, where the first ``shared`` columns of it hold the same in all rows."""
        order = self._order[shared:]
        if self._descending:
            order = [column.desc() for column in order]
        return self._query.select(*self._light_columns()).order_by(*order)

    def _light_columns(self):
        """List the columns as a batch has them: with the long texts of light rows only."""
        columns = self._query.selected_columns
        octets = _octets([each for each in columns if isinstance(each, MediumTextField)])
        light = [
            peewee.Case(None, [(octets <= LARGEST_LIGHT_ROW, column)]).alias(column.name)
            if isinstance(column, MediumTextField)
            else column
            for column in columns
        ]
        heavy = peewee.Case(None, [(octets > LARGEST_LIGHT_ROW, octets)])
        return [*light, heavy.alias(_OCTETS)]

    def _read_first(self):
        return read_rows(self.in_order().limit(BATCH))

    def _read_after(self, place, limit):
        rows = []
        for part in self._after(place):
            if len(rows) < limit:
                rows.extend(read_rows(part.limit(limit - len(rows))))
        return rows

    def _after(self, place):
        """List the queries that together give what follows a place, in order.

        First the rows that share all but the last column with it, then all but the last two, and
        so on: each is one range of the order's index, which one condition on all columns would
        not be.
        """
        parts = []
        for depth in reversed(range(len(self._order))):
            conditions = [self._order[n] == place[n] for n in range(depth)]
            column, value = self._order[depth], place[depth]
            conditions.append(column < value if self._descending else column > value)
            parts.append(self.in_order(depth).where(*conditions))
        return parts

    def _complete(self, rows, is_end):
        """Yield Batches of rows that were read, with all of their texts."""
        groups = _split(rows)
        while groups:
            group = groups.pop(0)
            yield from self._finish(self._with_texts(group), is_end and not groups)

    def _finish(self, rows, is_last):
        """Yield Batches of rows that have all that the model has."""
        yield Batch(rows, is_last)

    def _with_texts(self, rows):
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


class SidListing(Listing):
    """The rows of a model that have certain sids, which are given in order."""

    def __init__(self, model, sids):
        super().__init__(model.select, (model.sid,))
        self._sids = sids

    def batches(self) -> Iterator[Batch]:
        """Yield all rows in Batches; any may be empty."""
        return self._batches_of(self._sids)

    def page(self, selection: Selection) -> Page:
        """Read the Page that a Selection asks for."""
        size = selection.page_size
        start = size * (selection.page or 0)
        if selection.after_sid is not None:
            start = bisect.bisect(self._sids, selection.after_sid)
        shown, more = self._sids[start : start + size], self._sids[start + size :]
        following = (shown[-1], ()) if more else None
        preceding = selection.after_sid and (selection.after_sid, ())
        batches = self._batches_of(shown)
        return Page(batches, len(shown), start, len(self._sids), following, preceding)

    def _batches_of(self, sids):
        for start in range(0, max(len(sids), 1), SIDS_AT_ONCE):
            some = sids[start : start + SIDS_AT_ONCE]
            rows = read_rows(self.in_order().where(self._order[-1].in_(some)))
            yield from self._complete(rows, is_end=start + SIDS_AT_ONCE >= len(sids))


def _as_link(place):
    """Give (the sid, the key) of a place, or None."""
    return place and (place[-1], tuple(place[:-1]))


def _octets(texts):
    """Give the expression of the octets that columns of texts have; NULL where there are none."""
    lengths = [peewee.fn.LENGTH(each if is_mysql() else each.cast("BLOB")) for each in texts]
    if len(lengths) == 1:
        return lengths[0]
    return reduce(add, [peewee.fn.COALESCE(each, 0) for each in lengths])


def _has_heavy(rows):
    return any(map(_octets_of, rows))


def _split(rows):
    """Split rows into lists, at least one, wherever long texts may be more than LARGEST_BATCH."""
    if not _has_heavy(rows):
        return [rows]
    groups, held = [[]], 0
    for row in rows:
        octets = _octets_of(row) or LARGEST_LIGHT_ROW
        held += octets
        if held > LARGEST_BATCH and groups[-1]:
            groups.append([])
            held = octets
        groups[-1].append(row)
    return groups
