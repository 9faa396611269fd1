"""The tables of a database, page by page: of a Restcomm, or of this service itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import peewee

from .rows import MODELS, SourceRow

Source = peewee.Database | peewee.Proxy

PAGE = 1000  # rows read at once


def snapshot(source: Source) -> AbstractContextManager[object]:
    """Make a context in which all that is read from a database belongs to one moment."""
    driver = getattr(source, "obj", source)  # what a proxy stands for
    if isinstance(driver, peewee.MySQLDatabase):
        return driver.atomic("REPEATABLE READ")
    return driver.atomic("DEFERRED")


def present_tables(source: Source) -> list[str]:
    """List those of Restcomm's tables that a database has, in the order of the models."""
    present = set(source.get_tables())
    return [table for table in MODELS if table in present]


def count_rows(source: Source, table: str) -> int:
    """Count the rows of a table."""
    return int(source.execute_sql(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def read_table(source: Source, table: str) -> Iterator[SourceRow]:
    """Yield the rows of a table by sid, with whatever columns it has.

    By pages that begin behind the last sid, so that no driver holds a whole table in memory.
    """
    page = f"SELECT * FROM {table} ORDER BY sid LIMIT {PAGE}"
    last: tuple[object, ...] = ()
    while True:
        cursor = source.execute_sql(page, last)
        rows = cursor.fetchall()
        if not rows:
            return
        columns = [column[0] for column in cursor.description]
        for values in rows:
            row = dict(zip(columns, values))
            yield SourceRow(table, row, f"{table} {row['sid']}")
        page = f"SELECT * FROM {table} WHERE sid > {source.param} ORDER BY sid LIMIT {PAGE}"
        last = (row["sid"],)
