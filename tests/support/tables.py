"""The tables of a database and their rows, as the tests make and read them beside the service."""

import functools
import tempfile
from contextlib import closing
from pathlib import Path

from restcomm_apps.store.files import create_private
from restcomm_apps.store.models import TABLES as RESTCOMMS
from restcomm_apps.store.service_models import TABLES as OWN
from restcomm_apps.store.urls import SQLITE, parse

from .commands import succeed
from .databases import connect_directly, is_mariadb, read_tables

NAMES = tuple(model._meta.table_name for model in (*RESTCOMMS, *OWN))


def make_tables(database_url):
    """Make the tables that a database lacks, as ``init-db`` does."""
    url = parse(database_url)
    if url.engine == SQLITE and not Path(url.name).exists():
        create_private(url.name)
        Path(url.name).write_bytes(_new_file())
        return
    with closing(connect_directly(database_url)) as connection:
        present = set(read_tables(connection))
    if not present.issuperset(NAMES):
        succeed("init-db", DATABASE_URL=database_url)


@functools.cache
def _new_file():
    """Return the octets of a SQLite file with tables and the first organization."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/new.db"
        succeed("init-db", DATABASE_URL=url)
        with closing(connect_directly(url)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(folder, "new.db").read_bytes()


def replace(connection, tables):
    """Have tables hold exactly the rows of {table: [{column: value}]}."""
    for table in tables:
        connection.execute(f"DELETE FROM {table}")
    insert(connection, tables)


def insert(connection, tables):
    """Insert rows, given as {table: [{column: value}]}."""
    for table, rows in tables.items():
        for row in rows:
            marks = ", ".join("?" * len(row))
            statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
            connection.execute(statement, list(row.values()))


def read(connection, tables=NAMES):
    """Read those of these tables that there are, each in order, as {table: [{column: value}]}."""
    present = set(read_tables(connection))
    return {table: _read(connection, table) for table in tables if table in present}


def _read(connection, table):
    # In each table the first two columns tell its rows apart.
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
    columns = [column for column, *_ in cursor.description]
    return [dict(zip(columns, row)) for row in cursor.fetchall()]


def replace_rows(database_url, tables):
    """Do as ``replace`` does, beside the service."""
    with closing(connect_directly(database_url)) as connection:
        connection.execute("BEGIN" if is_mariadb(connection) else "BEGIN IMMEDIATE")
        replace(connection, tables)
        connection.commit()


def read_rows(database_url, tables=NAMES):
    """Do as ``read`` does, beside the service."""
    with closing(connect_directly(database_url)) as connection:
        return read(connection, tables)


def execute(database_url, statement, parameters):
    """Run one statement that writes, beside the service."""
    with closing(connect_directly(database_url)) as connection, connection:
        connection.execute(statement, parameters)
