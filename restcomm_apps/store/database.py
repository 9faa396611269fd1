"""The database: which engine, how durable, transactions, and its faults."""

import contextlib
import functools
import importlib.util
import re

import peewee

from .mariadb import MariaDatabase, error_number
from .sqlite import LOCK_TIMEOUT, OrderlyDatabase
from .urls import MYSQL, parse

database = peewee.DatabaseProxy()

_DOES_NOT_FIT = (1366, 1406)
_COLUMN = re.compile(r"for column [^ ]*?([a-z_]+)[`'] at row")


def make_database(url):
    """Make a Peewee database of a DatabaseUrl, not yet connected.

    A commit is on disk when it returns. SQLite: WAL, synchronous=FULL; a transaction takes the
    write lock when it begins, so that it waits for other writers instead of failing half-way.
    """
    if url.engine == MYSQL:
        # A lock is given up while the driver still waits for the answer.
        lock_timeout = url.options["read_timeout"] // 2
        return MariaDatabase(
            url.name,
            # What does not fit is refused rather than cut, whatever the server's own mode.
            sql_mode="STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
            init_command=f"SET SESSION innodb_lock_wait_timeout = {lock_timeout}",
            **url.options,
        )
    return OrderlyDatabase(
        url.name,
        # Last: SQLite itself waits while another process makes the file.
        pragmas=[("journal_mode", "wal"), ("synchronous", "full"), ("busy_timeout", 0)],
        timeout=LOCK_TIMEOUT,
        lock_type="IMMEDIATE",
    )


def has_driver(url):
    """Tell whether the driver of a DatabaseUrl's engine is installed."""
    return url.engine != MYSQL or importlib.util.find_spec("pymysql") is not None


def connect(url):
    """Point the models at the database of a DATABASE_URL; one database a process.

    Connections are opened when first used.
    """
    database.initialize(make_database(parse(url)))


def share(connections):
    """Have the greenlets of each process that is forked from here on share its connections.

    On MariaDB so many of them. Those of this process are closed.
    """
    database.obj.share(connections)


def read_alone(query):
    """Run a query that tells whether the database answers; on MariaDB beside all others.

    Raises as any query.
    """
    database.obj.read_alone(*query.sql())


def transaction(write):
    """Run a function in one transaction, or in the one that runs already; a decorator.

    It may be run again: TRIES times in all on a MariaDB that gives the transaction up for the sake
    of others (a deadlock, a Galera certification failure), once more on SQLite where another that
    shared the commit has failed.
    """

    @functools.wraps(write)
    def run(*arguments, **options):
        if database.in_transaction():
            return write(*arguments, **options)
        return database.run_in_transaction(functools.partial(write, *arguments, **options))

    return run


def is_mysql():
    """Tell whether the database is MariaDB or MySQL."""
    return isinstance(database.obj, MariaDatabase)


def locked(query):
    """Have a query of a transaction lock its rows against other writers until the commit.

    SQLite's transactions exclude each other anyway.
    """
    return query.for_update() if is_mysql() else query


@contextlib.contextmanager
def snapshot():
    """Read one state of the database, whatever others write meanwhile, each text as it is stored.

    On SQLite octets that are no UTF-8 are read too, as surrogates; nothing may be written here.
    """
    if is_mysql():
        with database.atomic():
            yield
        return
    connection = database.connection()
    connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
    try:
        with database.atomic("DEFERRED"):
            yield
    finally:
        connection.text_factory = str


def refused_column(error):
    """Name the column whose character set or length could not hold a value, or return None."""
    match = _COLUMN.search(str(error)) if error_number(error) in _DOES_NOT_FIT else None
    return match and match[1]


def is_unusable(error):
    """Tell a database that cannot be used (not there, too old a table) from a broken rule."""
    # A file that is no database raises DatabaseError itself, the parent of both kinds.
    unusable = (peewee.OperationalError, peewee.InterfaceError, peewee.ProgrammingError)
    return isinstance(error, unusable) or type(error) is peewee.DatabaseError
