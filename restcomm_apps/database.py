"""The connection to the database: which engine, how durable, whose thread, and its faults."""

import contextlib
import functools
import importlib.util
import random
import re
import time

import peewee
from playhouse.shortcuts import ReconnectMixin

from .database_files import PrivateFile
from .database_urls import MYSQL, parse
from .group_commit import GroupCommit, TurnNotCome
from .turns import give_way

database = peewee.DatabaseProxy()

# Seconds to wait for another writer of the same SQLite file before giving up with 503.
LOCK_TIMEOUT = 30
# The seconds after which it is looked for again grow with the wait, between these. SQLite itself
# would sleep up to 100 ms while a lock is given back and taken again.
SHORTEST_LOOK, LONGEST_LOOK = 0.0002, 0.01
# How often a transaction is begun that the database gives up for the sake of others, and the
# seconds between two of its tries, which grow up to a limit. On a Galera cluster a try fails
# almost every second time while six clients change the same row without pause: eight tries did
# not do for one change in 450.
TRIES = 16
BACK_OFF, LONGEST_BACK_OFF = 0.01, 0.5

# A deadlock, which is also how Galera tells that another node's transaction came first; and a row
# that has changed since the transaction's snapshot.
_GIVEN_UP = (1213, 1020)
_LOCKED = "database is locked"
_DOES_NOT_FIT = (1366, 1406)
_COLUMN = re.compile(r"for column [^ ]*?([a-z_]+)[`'] at row")


class MariaDatabase(ReconnectMixin, peewee.MySQLDatabase):
    """MariaDB or MySQL; a connection that the server has dropped is replaced, but never amid a
    transaction and never after a time-out.
    """

    reconnect_errors = (
        (peewee.OperationalError, "2006, "),  # The server has gone away.
        (peewee.OperationalError, "2013, 'lost connection to mysql server during query')"),
        (peewee.OperationalError, "2013, 'lost connection to mysql server during query ([errno"),
        (peewee.OperationalError, "1927, "),  # The connection was killed.
        (peewee.OperationalError, "4031, "),  # It was idle for too long.
        (peewee.InterfaceError, "(0, '')"),  # The driver has closed it.
    )

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        # Peewee lets one thread connect at a time. What it guards is each thread's own, and behind
        # a server that hangs the threads would wait for one time-out after the other.
        self._lock = contextlib.nullcontext()

    def run_in_transaction(self, write):
        """Run a function in a transaction; one that the server gives up is begun again."""
        for tries in range(1, TRIES + 1):
            try:
                with self.atomic():
                    return write()
            except peewee.OperationalError as error:
                if tries == TRIES or error_number(error) not in _GIVEN_UP:
                    raise
                time.sleep(random.uniform(0, min(BACK_OFF * 2**tries, LONGEST_BACK_OFF)))


class OrderlyDatabase(PrivateFile, peewee.SqliteDatabase):
    """SQLite, whose transactions of one process take turns and share commits where they wait.

    What another process keeps waiting looks again soon.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._group = GroupCommit(self.atomic, LOCK_TIMEOUT, give_way)

    def run_in_transaction(self, write):
        """Run a function in a transaction, maybe with others and in the thread of one of them."""
        try:
            return self._group.run(write)
        except TurnNotCome as error:
            raise peewee.OperationalError(_LOCKED) from error

    def execute_sql(self, *arguments):
        """Run a statement as soon as no other writer keeps it waiting."""
        return _patiently(super().execute_sql, *arguments)

    def begin(self, lock_type=None):
        """Begin as soon as no other writer keeps it waiting."""
        _patiently(super().begin, lock_type)

    def commit(self):
        """Commit as soon as no other connection keeps it waiting."""
        _patiently(super().commit)


def _patiently(run, *arguments):
    """Run what finds SQLite's lock taken again and again, until LOCK_TIMEOUT."""
    began = time.monotonic()
    while True:
        try:
            return run(*arguments)
        except peewee.OperationalError as error:
            waited = time.monotonic() - began
            if waited > LOCK_TIMEOUT or str(error) != _LOCKED:
                raise
        time.sleep(min(max(SHORTEST_LOOK, waited / 20), LONGEST_LOOK))


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

    Connections are opened when first used, one for each thread, and stay open.
    """
    database.initialize(make_database(parse(url)))


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


def error_number(error):
    """Give the number that MariaDB has for an error, or None."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


def refused_column(error):
    """Name the column whose character set or length could not hold a value, or return None."""
    match = _COLUMN.search(str(error)) if error_number(error) in _DOES_NOT_FIT else None
    return match and match[1]


def is_unusable(error):
    """Tell a database that cannot be used (not there, too old a table) from a broken rule."""
    # A file that is no database raises DatabaseError itself, the parent of both kinds.
    unusable = (peewee.OperationalError, peewee.InterfaceError, peewee.ProgrammingError)
    return isinstance(error, unusable) or type(error) is peewee.DatabaseError
