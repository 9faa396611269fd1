"""What ``import`` reads from: a database, or a file, whose content shows which kind it is of."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import peewee

from restcomm_apps.store.engines import has_driver, make_database
from restcomm_apps.store.urls import ALLOWED, MYSQL, UrlMistake, mask, mask_any, parse

from . import hsqldb
from .database_rows import count_rows, present_tables, read_table, snapshot
from .export_file import Unusable, read_header, read_lines
from .rows import BadRow, SourceRow

# A URL with jdbc: before it cannot be read, but it is no path either.
_URL = re.compile(r"[a-z:+]+://", re.IGNORECASE)


class CannotRead(Exception):
    """There is nothing to import; the text names the source and says why."""


@contextmanager
def open_source(source: str) -> "Iterator[FileSource | DatabaseSource]":
    """Open a SOURCE, the URL of a database or the path of a file, for as long as a context lasts.

    Raises CannotRead.
    """
    if _URL.match(source):
        origin = _make_database(source)
        with origin.connection_context(), snapshot(origin):
            yield DatabaseSource(origin)
    else:
        with _open_file(source) as file:
            yield FileSource(source, file)


class FileSource:
    """A script or an export; iterating gives its SourceRows and BadRows.

    ``size`` is its length in bytes, 0 where it is not known, ``position`` how far it has been read;
    ``zone_name`` the time zone of its dates, None where it does not say.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.size, self.position = os.fstat(file.fileno()).st_size, 0
        self.zone_name: str | None = None
        self._file = file
        beginning = next(self._lines(), b"")
        if beginning.lstrip().startswith(b"{"):
            try:
                self.zone_name = read_header(beginning)
            except Unusable as error:
                raise CannotRead(f"{path} cannot be read: {error}") from error
            self._rows = read_lines(self._lines())
        elif hsqldb.is_script(beginning):
            script = hsqldb.read_script(chain([beginning], self._lines()))
            self._rows = chain(script, _unread_changes(path))
        else:
            raise CannotRead(
                f"{path} is neither a restcomm.script of HSQLDB nor a file that export wrote; "
                "a database is named by its URL"
            )

    def _lines(self) -> Iterator[bytes]:
        for line in self._file:
            self.position += len(line)
            yield line

    def __iter__(self) -> Iterator[SourceRow | BadRow]:
        return self._rows


class DatabaseSource:
    """A database of Restcomm or of this service; ``size`` and ``position`` count rows."""

    zone_name: str | None = None

    def __init__(self, origin: peewee.Database) -> None:
        self._origin = origin
        self._tables = present_tables(origin)
        if not self._tables:
            raise CannotRead("The source has none of Restcomm's tables")
        self.size = sum(count_rows(origin, table) for table in self._tables)
        self.position = 0

    def __iter__(self) -> Iterator[SourceRow]:
        for table in self._tables:
            for row in read_table(self._origin, table):
                self.position += 1
                yield row


def _open_file(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise CannotRead(f"{mask_any(path)} cannot be read: {error.strerror}") from error


def _unread_changes(path: str) -> Iterator[BadRow]:
    """Yield a bad row where HSQLDB's journal beside a script holds changes that it lacks."""
    journal = Path(path).with_suffix(".log")
    if Path(path).suffix == ".script" and journal.is_file() and journal.stat().st_size:
        yield BadRow(
            journal.name,
            "holds changes that are not in the script yet; shut the Restcomm down in good order",
        )


def _make_database(text: str) -> peewee.Database:
    try:
        url = parse(text)
    except UrlMistake as error:
        raise CannotRead(
            f"The URL {mask(text)} of the source cannot be used; allowed is {ALLOWED}; {error}"
        ) from error
    if not has_driver(url):
        raise CannotRead("The source needs PyMySQL, which restcomm-apps[mysql] installs")
    if url.engine == MYSQL:
        return make_database(url)
    if not os.path.isfile(url.name):
        raise CannotRead(f"{url.name} is no file")
    # Not as the service opens its own: a source stays as it is.
    return peewee.SqliteDatabase(f"{Path(url.name).absolute().as_uri()}?mode=ro", uri=True)
