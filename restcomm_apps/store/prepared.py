"""Queries whose SQL text is made once for each store and kept; no rows are.

``bench/statements.py`` shows why: Peewee takes 370 microseconds to write and read a query of one
account, a Statement 16; an insert 250 and 36.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import peewee

from .database import PerStore, current_store
from .engines import Engine

M = TypeVar("M", bound=peewee.Model)

# A named tuple of what the driver gives; which columns it has is known where its query is written.
Row: TypeAlias = Any


class Parameter(str):
    """A place in a query, by the name under which its value is given when the query is run."""


class Statement(PerStore["_Prepared[M]"], Generic[M]):
    """A select of a model's columns; a decorator of the function that makes the Peewee query.

    The query has a Parameter where each value will stand. It is made once for a store and then
    kept, so that it must be the same whenever it is made.
    """

    def __init__(self, make_query: "Callable[[], peewee.ModelSelect[M]]") -> None:
        super().__init__(lambda: _Prepared(make_query()))

    def rows(self, **values: Any) -> list[Row]:
        """List the rows as named tuples that hold what the driver gives."""
        prepared = self.get()
        return list(map(prepared.make_row, prepared.run(values)))

    def models(self, **values: Any) -> list[M]:
        """List the rows as instances of the model, as Peewee would make them."""
        prepared = self.get()
        return list(map(prepared.make_model, prepared.run(values)))

    def first(self, **values: Any) -> M | None:
        """Return the first row as an instance of the model, or None."""
        prepared = self.get()
        rows = prepared.run(values)
        return prepared.make_model(rows[0]) if rows else None

    def first_row(self, **values: Any) -> Row | None:
        """Return the first row as a named tuple that holds what the driver gives, or None."""
        prepared = self.get()
        rows = prepared.run(values)
        return prepared.make_row(rows[0]) if rows else None


def read_rows(query: "peewee.ModelSelect[M]") -> list[Row]:
    """List the rows of a query that is run once as named tuples; see ``Statement.rows``."""
    prepared = _Prepared(query)
    return list(map(prepared.make_row, prepared.run({})))


class Insertion(Generic[M]):
    """An insert of one row with all columns of a model; those without a value are NULL."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._prepared = PerStore(self._prepare)

    def run(self, **values: Any) -> M:
        """Insert a row with these values and return it as an instance of the model."""
        database, sql, fields = self._prepared.get()
        stored = [field.db_value(values.get(field.name)) for field in fields]
        database.execute_sql(sql, stored)
        return self._model(__no_default__=True, **values)

    def _prepare(self) -> tuple[Engine, str, list[peewee.Field]]:
        fields = self._model._meta.fields
        # Converted when it is run: here a column would take the Parameter for its value.
        places = {
            field: peewee.Value(Parameter(name), converter=False) for name, field in fields.items()
        }
        sql, parameters = self._model.insert(places).sql()
        return current_store().database, sql, [fields[name] for name in parameters]


class _Prepared(Generic[M]):
    """A query as the text of the current store's engine."""

    def __init__(self, query: "peewee.ModelSelect[M]") -> None:
        self._database = current_store().database
        self._model = query.model
        self._sql, self._parameters = query.sql()
        columns = query.selected_columns
        fields = query.model._meta.fields
        self._names = [column.name for column in columns]
        self._others = [name for name in self._names if name not in fields]
        # SQLite has no booleans; a driver gives the other kinds of columns as the models hold them.
        self._flags = [column.name for column in columns if isinstance(column, peewee.BooleanField)]
        row_type = namedtuple(query.model.__name__, self._names)  # type: ignore[misc]  # named here
        # Its _make counts, too, what one has: 2 % of a list of 50 (``bench/reads.py``).
        self.make_row: Callable[[tuple[Any, ...]], Row] = partial(tuple.__new__, row_type)

    def run(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it; execute_sql opens, replaces and reports connections as for any query.

        All rows are fetched: a cursor with rows left would keep SQLite's snapshot open.
        """
        filled = [values[p] if isinstance(p, Parameter) else p for p in self._parameters]
        rows: list[tuple[Any, ...]] = self._database.execute_sql(self._sql, filled).fetchall()
        return rows

    def make_model(self, row: tuple[Any, ...]) -> M:
        """Make an instance of the model; what is no column of it becomes an attribute.

        To set each column as an attribute takes 6 microseconds more (``bench/statements.py``), 2 %
        of a request.
        """
        model = self._model(__no_default__=True)
        columns = model.__data__
        columns.update(zip(self._names, row))
        for name in self._flags:
            if columns[name] is not None:
                columns[name] = bool(columns[name])
        for name in self._others:
            setattr(model, name, columns.pop(name))
        return model
