"""The two engines: how durable a database is made, and whether its driver is there."""

import importlib.util
from collections.abc import Callable
from typing import TypeAlias

from .mariadb import MariaDatabase
from .sqlite import LOCK_TIMEOUT, OrderlyDatabase
from .urls import MYSQL, DatabaseUrl

Engine: TypeAlias = OrderlyDatabase | MariaDatabase


def nobody() -> None:
    """Return None: who writes is not known."""


def make_database(url: DatabaseUrl, whose_turn: Callable[[], str | None] = nobody) -> Engine:
    """Make a Peewee database of a DatabaseUrl, not yet connected.

    A commit is on disk when it returns. SQLite: WAL, synchronous=FULL; a transaction takes the
    write lock when it begins, so that it waits for other writers instead of failing half-way.
    MariaDB: ``whose_turn`` returns the sid of the account that writes, see ``MariaDatabase``.
    """
    if url.engine == MYSQL:
        # A lock is given up while the driver still waits for the answer.
        lock_timeout = url.options["read_timeout"] // 2
        return MariaDatabase(
            url.name,
            whose_turn,
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


def has_driver(url: DatabaseUrl) -> bool:
    """Return whether the driver of a DatabaseUrl's engine is installed."""
    return url.engine != MYSQL or importlib.util.find_spec("pymysql") is not None
