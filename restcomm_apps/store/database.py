"""The current store: the database of one application, its transactions, and what is kept of it.

A process may hold several applications, each with a Store of its own. Which of them is meant where
a query is made or run is a context variable: an application sets it around each request, a command
once. No module keeps anything of a database in a global.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Generic, ParamSpec, TypeVar

import peewee

from .engines import Engine, make_database, nobody
from .mariadb import MariaDatabase
from .urls import parse

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=peewee.Select)

_SQLITE_COLUMNS = """
    SELECT tables.name, columns.name
    FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table'
"""
_MYSQL_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = DATABASE()
"""


class NoStore(RuntimeError):
    """A query was made or run where no store is the current one."""


class Store:
    """The database of a DATABASE_URL; connections are opened when first used.

    ``whose_turn`` returns the sid of the account that writes at the moment, or None; see
    ``MariaDatabase``.
    """

    def __init__(self, url: str, whose_turn: Callable[[], str | None] = nobody) -> None:
        self.database: Engine = make_database(parse(url), whose_turn)
        self.is_mysql = isinstance(self.database, MariaDatabase)
        # Values of as many types as there are PerStores, whose ``get`` says which.
        self.kept: dict[object, Any] = {}
        self._tables: Mapping[str, frozenset[str]] | None = None
        self._looking = threading.Lock()

    def enter(self) -> None:
        """Make this the current store of the calling context from here on."""
        current.set(self)

    def run(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Call a function with this as the current store, and return what it returns."""
        before = current.set(self)
        try:
            return function(*arguments, **options)
        finally:
            current.reset(before)

    @property
    def tables(self) -> Mapping[str, frozenset[str]]:
        """{name of a table: names of its columns}, as they were when this was first read.

        That is with the first request, or the first command that needs it: what is added later
        is seen once the process has been started again.
        """
        if self._tables is None:
            with self._looking:
                if self._tables is None:
                    self._tables = self._read_tables()
        return self._tables

    def _read_tables(self) -> Mapping[str, frozenset[str]]:
        select = _MYSQL_COLUMNS if self.is_mysql else _SQLITE_COLUMNS
        columns: dict[str, set[str]] = {}
        for table, column in self.database.execute_sql(select).fetchall():
            columns.setdefault(table, set()).add(column)
        return {table: frozenset(names) for table, names in columns.items()}


current: ContextVar[Store] = ContextVar("store")


def current_store() -> Store:
    """Return the store of the application or command that runs here. Raises NoStore.

    A new thread has none; ``Store.run`` and ``contextvars.copy_context`` give it one.
    """
    try:
        return current.get()
    except LookupError:
        raise NoStore(
            "No store is the current one here: a thread begins without one; see Store.run"
        ) from None


class PerStore(Generic[T]):
    """A value that each store has of its own, made when it is first needed there."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def get(self) -> T:
        """Return the current store's value."""
        try:
            value: T = current.get().kept[self]
        except LookupError:  # of a store, or of its value: of two that are made at once one stays
            value = current_store().kept.setdefault(self, self._make())
        return value


class _CurrentDatabase(peewee.Proxy):
    """Stands for the database of whatever store is the current one when it is used."""

    @property
    def obj(self) -> Engine:
        """The current store's database. Raises NoStore."""
        # Not by ``current_store``: Peewee asks ten times a query.
        store = current.get(None) or current_store()
        return store.database

    @obj.setter
    def obj(self, database: None) -> None:
        """Do nothing: a Proxy begins as one of none."""


# What the models belong to.
database = _CurrentDatabase()


def read_alone(query: peewee.Query) -> None:
    """Run a query that says whether the database answers; on MariaDB beside all others.

    Raises as any query.
    """
    current_store().database.read_alone(*query.sql())


def transaction(write: Callable[P, T]) -> Callable[P, T]:
    """Run a function in one transaction, or in the one that runs already; a decorator.

    It may be run again: TRIES times in all on a MariaDB that gives the transaction up for the sake
    of others (a deadlock, a Galera certification failure), once more on SQLite where another that
    shared the commit has failed.
    """

    @functools.wraps(write)
    def run(*arguments: P.args, **options: P.kwargs) -> T:
        database = current_store().database
        if database.in_transaction():
            return write(*arguments, **options)
        return database.run_in_transaction(functools.partial(write, *arguments, **options))

    return run


def is_mysql() -> bool:
    """Return whether the database is MariaDB or MySQL."""
    return current_store().is_mysql


def locked(query: Q) -> Q:
    """Have a query of a transaction lock its rows against other writers until the commit.

    SQLite's transactions exclude each other anyway.
    """
    return query.for_update() if is_mysql() else query


@contextlib.contextmanager
def snapshot() -> Iterator[None]:
    """Read one state of the database, whatever others write meanwhile, each text as it is stored.

    On SQLite octets that are no UTF-8 are read too, as surrogates; nothing may be written here.
    """
    store = current_store()
    if store.is_mysql:
        with store.database.atomic():
            yield
        return
    database: peewee.Database = store.database
    connection = database.connection()
    connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
    try:
        with database.atomic("DEFERRED"):
            yield
    finally:
        connection.text_factory = str
