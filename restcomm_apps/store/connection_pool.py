"""A few connections to a database server, for as many requests as there are.

A request has a connection for the time of a statement or a transaction, and waits for one in turn.
No database is known here.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class NoneCame(Exception):
    """What was waited for is still in use by others."""


class ConnectionPool:
    """At most ``size`` open connections; ``connect()`` opens one, ``is_open`` tells of one."""

    def __init__(self, size: int, is_open: Callable[[Any], bool]) -> None:
        self._is_open = is_open
        self._places = threading.BoundedSemaphore(size)
        self._idle: deque[Any] = deque()

    def take(self, connect: Callable[[], Any], timeout: float) -> Any:
        """Return a connection that nobody uses. Raises NoneCame, and what ``connect`` raises."""
        if not self._places.acquire(timeout=timeout):
            raise NoneCame()
        try:
            return self._idle.pop() if self._idle else connect()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: Any) -> None:
        """Take back a connection; where it is broken those that lie idle probably are, too."""
        if self._is_open(connection):
            self._idle.append(connection)
        else:
            self.close_idle()
        self._places.release()

    def close_idle(self) -> None:
        """Close what nobody uses."""
        while self._idle:
            connection = self._idle.pop()
            if self._is_open(connection):
                connection.close()


class WriteTurns:
    """Who may write: at most ``in_all`` at a time, and of them ``of_one`` for the same account.

    Those that wait for each other in the database hold a connection each; so others have one left.
    """

    def __init__(self, in_all: int, of_one: int) -> None:
        self._in_all, self._of_one = in_all, of_one
        self._writers: Counter[Any] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn_of(self, account: Any, timeout: float) -> Iterator[None]:
        """Wait until an account may write, and let it. Raises NoneCame."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._may_write(account), timeout):
                raise NoneCame()
            self._writers[account] += 1
        try:
            yield
        finally:
            with self._changed:
                self._writers[account] -= 1
                self._writers += Counter()  # Without those that write no more.
                self._changed.notify_all()

    def _may_write(self, account: Any) -> bool:
        return self._writers[account] < self._of_one and self._writers.total() < self._in_all
