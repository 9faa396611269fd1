"""The connection to the database: which engine, how durable, and whose thread it belongs to."""

import peewee

database = peewee.DatabaseProxy()

# Seconds to wait for another writer of the same SQLite file before giving up with 503.
LOCK_TIMEOUT = 30


def connect(url):
    """Point the models at the database of a ``sqlite:///PATH`` URL; one database a process.

    Connections are opened when first used, one for each thread, and stay open. A commit is on
    disk when it returns (WAL, synchronous=FULL). A transaction takes the write lock when it
    begins, so that it waits for other writers instead of failing half-way.
    """
    path = url.removeprefix("sqlite:///")
    database.initialize(
        peewee.SqliteDatabase(
            path,
            pragmas=[("journal_mode", "wal"), ("synchronous", "full")],
            timeout=LOCK_TIMEOUT,
            lock_type="IMMEDIATE",
        )
    )


def open_connection():
    """Open this thread's connection unless it is open already."""
    database.connect(reuse_if_open=True)
