"""The current store's database: transactions, what they lock and see, and faults."""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import peewee

from .engines import Engine
from .mariadb import error_number
from .store import current, current_store

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=peewee.Select)

_DOES_NOT_FIT = (1366, 1406)
_COLUMN = re.compile(r"for column [^ ]*?([a-z_]+)[`'] at row")


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
