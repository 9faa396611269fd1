"""SQLite under Peewee: one connection to read, one to write, and turns.

Requests of one process that write take turns, and share a commit where they wait; reads go on
beside them. What another process keeps waiting looks again soon.
"""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import peewee

from .files import PrivateFile, identify
from .group_commit import GroupCommit, TurnNotCome
from .pauses import ONE_TURN, SECONDS_TO_ONESELF

T = TypeVar("T")

# Seconds to wait for another writer of the same file before giving up with 503.
LOCK_TIMEOUT = 30
# It is looked for each time others have had a turn, as long as a process may hold it that serves
# requests too; then the seconds between two looks grow with the wait. SQLite itself would sleep up
# to 100 ms while a lock is given back and taken again, and gevent's loop 1 ms at least: two
# processes of 64 clients then create 1.1 times as much as one with threads, so 1.4 to 1.7 times.
SECONDS_TO_LOOK, LONGEST_LOOK = 0.002, 0.01

_LOCKED = "database is locked"


class OrderlyDatabase(PrivateFile):
    """A SQLite file; see the module.

    Each thread has a connection of its own to read, or, once ``share`` has been called, all have
    one. The one to write belongs to whoever runs a transaction, from its beginning to its end.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._writing = peewee._ConnectionState()
        self._writer: int | None = None
        # Held by the writer, so that nobody else closes its connection.
        self._turn = threading.Lock()
        # The file that is written to: of another one of its name, it would not be seen again.
        self._written: tuple[int, int] | None = None
        self._is_shared = False
        # When the transaction that runs gives way to others; of the monotonic clock.
        self._gives_way_at = 0.0
        super().__init__(*arguments, check_same_thread=False, **options)
        self._group = GroupCommit(self._transaction, LOCK_TIMEOUT, functools.partial(time.sleep, 0))

    @property
    def _state(self) -> peewee._ConnectionState:
        return self._writing if self._writer == threading.get_ident() else self._reading

    @_state.setter
    def _state(self, state: peewee._ConnectionState) -> None:
        self._reading = state

    def share(self, connections: int) -> None:
        """Have all greenlets of a process share one connection to read, to which nobody writes.

        None of them gives way while a statement runs, and none holds a cursor over a wait.
        """
        self.close()
        self._reading = peewee._ConnectionState()
        self._is_shared = True

    def run_in_transaction(self, write: Callable[[], T]) -> T:
        """Run a function in a transaction, maybe with others and in the thread of one of them."""
        try:
            return self._group.run(write)
        except TurnNotCome as error:
            raise peewee.OperationalError(_LOCKED) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        assert self._writer != threading.get_ident(), "a transaction within another one's"
        # Free but for a moment: the group sees to it that there is one at a time.
        with self._turn:
            self._writer = threading.get_ident()
            try:
                with self.transaction():
                    self._gives_way_at = time.monotonic() + SECONDS_TO_ONESELF
                    yield
            finally:
                self._writer = None

    def execute_sql(self, *arguments: Any) -> Any:
        """Run a statement as soon as no other writer keeps it waiting."""
        runs_here = self._writing.transactions and self._state is self._writing
        if runs_here and time.monotonic() > self._gives_way_at:
            # Before other long work, as others wait for the transaction.
            time.sleep(ONE_TURN)
            self._gives_way_at = time.monotonic() + SECONDS_TO_ONESELF
        return _patiently(super().execute_sql, *arguments)

    def begin(self, lock_type: str | None = None) -> None:
        """Begin as soon as no other writer keeps it waiting."""
        if not self._writing.closed and identify(self.database) != self._written:
            self._close_all()
            raise peewee.OperationalError("the database file was moved away or replaced")
        _patiently(super().begin, lock_type)

    def commit(self) -> None:
        """Commit as soon as no other connection keeps it waiting."""
        _patiently(super().commit)

    def close(self) -> bool:
        """Close this thread's connection, and the one to write while nobody does."""
        if self._turn.acquire(blocking=False):
            try:
                if not self._writing.closed:
                    self._writing.conn.close()
                    self._writing.reset()
            finally:
                self._turn.release()
        return super().close()

    def read_alone(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run a query that says whether the database answers."""
        self.require_file()
        self.execute_sql(sql, parameters).fetchall()

    def _connect(self) -> Any:
        connection = super()._connect()
        if self._state is self._writing:
            self._written = identify(self.database)
        elif self._is_shared:
            connection.execute("PRAGMA query_only = 1")
        return connection

    def _close_all(self) -> None:
        for state in (self._writing, self._reading):
            if not state.closed:
                state.conn.close()
                state.reset()


def _patiently(run: Callable[..., Any], *arguments: Any) -> Any:
    """Run what finds SQLite's lock taken again and again, until LOCK_TIMEOUT."""
    began = time.monotonic()
    while True:
        try:
            return run(*arguments)
        except peewee.OperationalError as error:
            waited = time.monotonic() - began
            if waited > LOCK_TIMEOUT or str(error) != _LOCKED:
                raise
        time.sleep(ONE_TURN if waited < SECONDS_TO_LOOK else min(waited / 2, LONGEST_LOOK))
