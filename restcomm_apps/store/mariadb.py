"""MariaDB and MySQL under Peewee: a pool of connections, reconnecting, transactions begun again."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import peewee
from playhouse.shortcuts import ReconnectMixin

from .connection_pool import ConnectionPool, NoneCame, WriteTurns

T = TypeVar("T")

# Connections of a process with which one account may write at a time. There are two more: writers
# may wait for each other's locks, so one is left to other accounts, and one to readers.
CONNECTIONS = 4
# Seconds to wait for one of them before giving up with 503.
CONNECTION_TIMEOUT = 30
# How long the question whether the database answers may take; its connection is beside the pool.
SECONDS_TO_ANSWER = 2
# How often a transaction is begun that the database gives up for the sake of others, and the
# seconds between two of its tries, which grow up to a limit. On a Galera cluster a try fails
# almost every second time while six clients change the same row without pause: eight tries did
# not do for one change in 450.
TRIES = 16
BACK_OFF, LONGEST_BACK_OFF = 0.01, 0.5

_TIMEOUTS = ("connect_timeout", "read_timeout", "write_timeout")
# A deadlock, which is also how Galera tells that another node's transaction came first; and a row
# that has changed since the transaction's snapshot.
_GIVEN_UP = (1213, 1020)


class _Reconnecting(ReconnectMixin, peewee.MySQLDatabase):  # type: ignore[misc]  # It has no types.
    """Replaces a connection that the server has dropped, but never amid a transaction and never
    after a time-out.
    """

    reconnect_errors = (
        (peewee.OperationalError, "2006, "),  # The server has gone away.
        (peewee.OperationalError, "2013, 'lost connection to mysql server during query')"),
        (peewee.OperationalError, "2013, 'lost connection to mysql server during query ([errno"),
        (peewee.OperationalError, "1927, "),  # The connection was killed.
        (peewee.OperationalError, "4031, "),  # It was idle for too long.
        (peewee.InterfaceError, "(0, '')"),  # The driver has closed it.
    )


class MariaDatabase(_Reconnecting):
    """A database of a server, to which each process has few connections.

    A thread has one for a statement, for a transaction, or from ``connect`` to ``close``.
    ``whose_turn`` returns the sid of the account that writes: the transactions of one leave a
    connection to others.
    """

    def __init__(self, name: str, whose_turn: Callable[[], str | None], **options: Any) -> None:
        self._whose_turn = whose_turn
        self._size_pool(CONNECTIONS)
        super().__init__(name, **options)
        self._probe = _Probe(name, options)
        # Peewee lets one thread connect at a time. What it guards is each thread's own, and behind
        # a server that hangs the threads would wait for one time-out after the other.
        self._lock = contextlib.nullcontext()

    def share(self, connections: int) -> None:
        """Have so many connections, and two, in each process that is forked from here on."""
        self.close()
        self._pool.close_idle()
        self._size_pool(connections)

    def _size_pool(self, connections: int) -> None:
        self._pool = ConnectionPool(connections + 2, lambda connection: connection.open)
        self._turns = WriteTurns(in_all=connections + 1, of_one=connections)

    def run_in_transaction(self, write: Callable[[], T]) -> T:
        """Run a function in a transaction; one that the server gives up is begun again."""
        with _as_operational_error(), self._turns.turn_of(self._whose_turn(), CONNECTION_TIMEOUT):
            return self._try_in_transaction(write)

    def _try_in_transaction(self, write: Callable[[], T]) -> T:
        tries = 0
        while True:
            try:
                with self._connected(), self.atomic():
                    return write()
            except peewee.OperationalError as error:
                tries += 1
                if tries == TRIES or error_number(error) not in _GIVEN_UP:
                    raise
                time.sleep(random.uniform(0, min(BACK_OFF * 2**tries, LONGEST_BACK_OFF)))

    def execute_sql(self, *arguments: Any) -> Any:
        """Run a statement, on a connection of its own where the thread has none."""
        with self._connected():
            return super().execute_sql(*arguments)  # type: ignore[no-untyped-call]  # Peewee's

    def begin(self, *arguments: Any, **options: Any) -> None:
        """Begin a transaction on a connection that the thread keeps."""
        self.connect(reuse_if_open=True)
        super().begin(*arguments, **options)

    def read_alone(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run a query that says whether the database answers, whatever it does for others.

        Raises peewee.OperationalError after SECONDS_TO_ANSWER.
        """
        self._probe.run(sql, parameters)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        # Not Peewee's context, which is lost when a connection is replaced.
        is_new = self.connect(reuse_if_open=True)
        try:
            yield
        finally:
            if is_new:
                self.close()

    def _connect(self) -> Any:
        with _as_operational_error():
            return self._pool.take(super()._connect, CONNECTION_TIMEOUT)

    def _close(self, connection: Any) -> None:
        self._pool.give_back(connection)


class _Probe:
    """A connection for a query that many run at once: who comes meanwhile waits for the next run.

    So that a server that hangs costs them one time-out, not one after the other.
    """

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        timeouts = dict.fromkeys(_TIMEOUTS, SECONDS_TO_ANSWER)
        self._database = _Reconnecting(name, thread_safe=False, **(options | timeouts))
        self._guard = threading.Lock()
        # When it was last run, and what that raised.
        self._last_run: tuple[float, peewee.PeeweeException | None] = 0.0, None

    def run(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run the query, or take the outcome of a run that began since; raise what it raised."""
        came = time.monotonic()
        with self._guard:
            if self._last_run[0] < came:
                self._last_run = time.monotonic(), self._try(sql, parameters)
            _, error = self._last_run
        if error is not None:
            raise error

    def _try(self, sql: str, parameters: Sequence[Any]) -> peewee.PeeweeException | None:
        try:
            database: peewee.Database = self._database
            database.execute_sql(sql, parameters)
        except peewee.PeeweeException as error:
            self._database.close()
            return error
        return None


@contextlib.contextmanager
def _as_operational_error() -> Iterator[None]:
    try:
        yield
    except NoneCame as error:
        raise peewee.OperationalError("all connections are in use") from error


def error_number(error: Exception) -> int | None:
    """Return the number that MariaDB has for an error, or None."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else None
