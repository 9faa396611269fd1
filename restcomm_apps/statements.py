"""Queries whose SQL text is made once and kept.

Peewee takes longer to write a query than SQLite to answer it. A Statement has the text made when
it is first run, and then only fills in its values. It keeps no rows.
"""

from collections import namedtuple
from functools import partial

import peewee

from .database import database


class Parameter(str):
    """A place in a query, by the name under which its value is given when the query is run."""


class Statement:
    """A Peewee select of a model's columns, with a Parameter where each value will stand."""

    def __init__(self, query):
        self._query = query
        self._names = [column.name for column in query.selected_columns]
        # SQLite has no booleans; a driver gives the other kinds of columns as the models hold them.
        self._flags = [
            column.name
            for column in query.selected_columns
            if isinstance(column, peewee.BooleanField)
        ]
        self._make_row = partial(tuple.__new__, namedtuple(query.model.__name__, self._names))
        self._prepared = (None, None, None)

    def rows(self, **values):
        """List the rows as named tuples that hold what the driver gives."""
        return list(map(self._make_row, self._run(values)))

    def models(self, **values):
        """List the rows as instances of the model, as Peewee would make them."""
        return list(map(self._make_model, self._run(values)))

    def first(self, **values):
        """Give the first row as an instance of the model, or None."""
        # All are fetched: a cursor with rows left would keep SQLite's snapshot open.
        rows = self._run(values).fetchall()
        return self._make_model(rows[0]) if rows else None

    def _run(self, values):
        """Run the query; execute_sql opens, replaces and reports connections as for any query."""
        prepared_for, sql, parameters = self._prepared
        if prepared_for is not database.obj:
            sql, parameters = self._query.sql()
            self._prepared = (database.obj, sql, parameters)
        filled = [values[p] if type(p) is Parameter else p for p in parameters]
        return database.execute_sql(sql, filled)

    def _make_model(self, row):
        model = self._query.model(__no_default__=True)
        model.__data__.update(zip(self._names, row))
        for name in self._flags:
            if (flag := model.__data__[name]) is not None:
                model.__data__[name] = bool(flag)
        return model
