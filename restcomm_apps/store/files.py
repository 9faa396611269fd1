"""The files of a SQLite database, which hold every token: who may read them."""

import contextlib
import os
import sqlite3
import threading

import peewee

_OWNER_ONLY = 0o600
_ALL_OTHERS = 0o077
_SUFFIXES = ("", "-wal", "-shm", "-journal")

# Of the process: it is about the locks that a process has on a file.
_creating = threading.Lock()


class PrivateFile(peewee.SqliteDatabase):
    """A database that makes its file for its owner only, whatever the umask.

    It makes one before its first connection only: one that is moved away is not made anew.
    """

    _has_connected = False

    def require_file(self) -> None:
        """Raise OperationalError where the file has been moved away."""
        if self._has_connected and not os.path.exists(self.database):
            raise peewee.OperationalError("the database file is gone")

    def _connect(self) -> sqlite3.Connection:
        if not self._has_connected:
            create_private(self.database)
        self.require_file()
        # Not in Peewee's stubs.
        connection: sqlite3.Connection = super()._connect()  # type: ignore[misc]
        self._has_connected = True
        return connection


def create_private(path: str) -> None:
    """Create an empty file that only its owner may read, unless something is there already.

    SQLite takes it for a new database, and gives the files beside it the permissions of this one.
    """
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    # Where no file can be made SQLite says so itself, in the words that the service knows. What is
    # there must not even be opened: to close it would drop the locks of this process on it, so no
    # other thread may find the new file before it is closed.
    with _creating, contextlib.suppress(OSError):
        # O_EXCL would stop at a link that leads nowhere, and SQLite make what it names.
        os.close(os.open(os.path.realpath(path), flags, _OWNER_ONLY))


def find_exposed(path: str) -> list[str]:
    """List those files of a database that anybody but their owner may read or write."""
    return [path + suffix for suffix in _SUFFIXES if _mode(path + suffix) & _ALL_OTHERS]


def identify(path: str) -> tuple[int, int] | None:
    """Return what tells a file from others of its name, None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:  # as those beside it are while nobody writes
        return 0
