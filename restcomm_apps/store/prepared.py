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
    """A select of a model's columns; a decorator of the function that makes the Peewee query.

    The query has a Parameter where each value will stand. It is made for one engine and then kept,
    so that it must be the same whenever it is made.
    """

    def __init__(self, make_query):
        self._make_query = make_query
        self._prepared = None

    def rows(self, **values):
        """List the rows as named tuples that hold what the driver gives."""
        prepared = self._prepare()
        return list(map(prepared.make_row, prepared.run(values)))

    def models(self, **values):
        """List the rows as instances of the model, as Peewee would make them."""
        prepared = self._prepare()
        return list(map(prepared.make_model, prepared.run(values)))

    def first(self, **values):
        """Give the first row as an instance of the model, or None."""
        prepared = self._prepare()
        # All are fetched: a cursor with rows left would keep SQLite's snapshot open.
        rows = prepared.run(values).fetchall()
        return prepared.make_model(rows[0]) if rows else None

    def first_row(self, **values):
        """Give the first row as a named tuple that holds what the driver gives, or None."""
        return next(iter(self.rows(**values)), None)

    def _prepare(self):
        prepared = self._prepared
        if prepared is None or prepared.database is not database.obj:
            self._prepared = prepared = _Prepared(database.obj, self._make_query())
        return prepared


def read_rows(query):
    """List the rows of a query that is run once as named tuples; see ``Statement.rows``."""
    prepared = _Prepared(database.obj, query)
    return list(map(prepared.make_row, prepared.run({})))


class Insertion:
    """An insert of one row with all columns of a model; those without a value are NULL.

    Written inside a transaction, it must not keep other writers waiting for its text.
    """

    def __init__(self, model):
        self._model = model
        self._prepared = (None, None, None)

    def run(self, **values):
        """Insert a row with these values and give it as an instance of the model."""
        made_for, sql, parameters = self._prepared
        if made_for is not database.obj:
            made_for = database.obj
            sql, parameters = self._query().sql()
            self._prepared = (made_for, sql, parameters)
        fields = self._model._meta.fields
        made_for.execute_sql(sql, [fields[name].db_value(values.get(name)) for name in parameters])
        return self._model(__no_default__=True, **values)

    def _query(self):
        fields = self._model._meta.sorted_fields
        # Converted when it is run: here a column would take the Parameter for its value.
        places = {each: peewee.Value(Parameter(each.name), converter=False) for each in fields}
        return self._model.insert(places)


class _Prepared:
    """A query as the text of one database's engine."""

    def __init__(self, prepared_for, query):
        self.database = prepared_for
        self._model = query.model
        self._sql, self._parameters = query.sql()
        columns = query.selected_columns
        fields = query.model._meta.fields
        self._names = [column.name for column in columns]
        self._beside = [name for name in self._names if name not in fields]
        # SQLite has no booleans; a driver gives the other kinds of columns as the models hold them.
        self._flags = [each.name for each in columns if isinstance(each, peewee.BooleanField)]
        self.make_row = partial(tuple.__new__, namedtuple(query.model.__name__, self._names))

    def run(self, values):
        """Run it; execute_sql opens, replaces and reports connections as for any query."""
        filled = [values[p] if type(p) is Parameter else p for p in self._parameters]
        return self.database.execute_sql(self._sql, filled)

    def make_model(self, row):
        """Make an instance of the model; what is no column of it becomes an attribute."""
        model = self._model(__no_default__=True)
        columns = model.__data__
        columns.update(zip(self._names, row))
        for name in self._flags:
            if columns[name] is not None:
                columns[name] = bool(columns[name])
        for name in self._beside:
            setattr(model, name, columns.pop(name))
        return model
