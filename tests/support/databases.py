"""The databases the tests run on: SQLite files, or with the variable TEST_DATABASE_SERVER the
databases of a MariaDB, e.g. mysql://root@127.0.0.1:3306.

Connections made here are the tests' own, beside the service's.
"""

import os
import sqlite3
import uuid
from contextlib import closing

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions

from restcomm_apps.store.files import create_private
from restcomm_apps.store.urls import SQLITE, parse

SERVER = os.environ.get("TEST_DATABASE_SERVER")
ENGINE = "mariadb" if SERVER else "sqlite"

# Begins a transaction that may write; and what breaks a rule such as uniqueness.
BEGIN = "BEGIN" if SERVER else "BEGIN IMMEDIATE"
IntegrityError = pymysql.IntegrityError if SERVER else sqlite3.IntegrityError

_PREFIX = "restcomm_apps_test_"
_DECLARED = {"TINYINT(1)": "BOOLEAN", "INT(11)": "INTEGER"}


def new_database_url(folder):
    """Make the URL of a new, empty database; a SQLite file lies in the folder."""
    if not SERVER:
        return f"sqlite:///{folder}/restcomm-apps.db"
    url = f"{SERVER}/{_PREFIX}{uuid.uuid4().hex}"
    create_database(url)
    return url


def create_database(url):
    """Make a database of a MariaDB, empty; a SQLite file makes itself."""
    if parse(url).engine != SQLITE:
        execute_on_server(f"CREATE DATABASE {parse(url).name}")


def drop_database(url):
    """Remove a database of a MariaDB; a SQLite file goes with its folder."""
    if parse(url).engine != SQLITE:
        execute_on_server(f"DROP DATABASE IF EXISTS {parse(url).name}")


def execute_on_server(statement):
    """Run a statement on the MariaDB, in none of its databases; give the rows."""
    with closing(connect_directly(f"{SERVER}/mysql")) as connection:
        return connection.execute(statement).fetchall()


def connect_directly(url):
    """Open a connection to the database of a URL, used as sqlite3's are used."""
    parsed = parse(url)
    if parsed.engine == SQLITE:
        create_private(parsed.name)
        return sqlite3.connect(parsed.name, timeout=30)
    return MariaConnection(
        database=parsed.name,
        cursorclass=_Cursor,
        autocommit=True,
        # Dates as texts, as SQLite gives them.
        conv={key: each for key, each in conversions.items() if key != FIELD_TYPE.DATETIME},
        # Where a test is not about TLS, reading all certificates takes longer than the rest.
        ssl_disabled=not any(name.startswith("ssl") for name in parsed.options),
        **parsed.options,
    )


def refuse(connection, event, table):
    """Make a trigger that refuses a DELETE or UPDATE of any row, as a broken rule."""
    says = "the trigger says no"
    # 1062 is the number of a row that is there already.
    refusal = f"SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1062, MESSAGE_TEXT = '{says}'"
    abort = f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
    body = f"FOR EACH ROW {refusal}" if SERVER else abort
    connection.execute(f"CREATE TRIGGER refuse BEFORE {event} ON {table} {body}")


def read_tables(connection):
    """List the names of a database's tables."""
    statement = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if is_mariadb(connection):
        statement = "SHOW TABLES"
    return [name for (name,) in connection.execute(statement).fetchall()]


def is_mariadb(connection):
    """Return whether a connection, a test's or a Service's, leads to a MariaDB."""
    return getattr(connection, "is_mariadb", False)


def describe(connection):
    """List the rows that say what a database is made of: tables, indexes, triggers."""
    if not is_mariadb(connection):
        return connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    rows = connection.execute("SHOW TRIGGERS").fetchall()
    for table in read_tables(connection):
        rows += connection.execute(f"SHOW CREATE TABLE {table}").fetchall()
    return rows


def read_columns(connection, table):
    """Read a table's columns as texts such as "kind VARCHAR(5) null" and "sid VARCHAR(34) key"."""
    if not SERVER:
        read = f"PRAGMA table_info({table})"
        rows = [row[1:] for row in connection.execute(read)]
    else:
        rows = connection.execute(
            "SELECT column_name, UPPER(column_type), is_nullable = 'NO', "
            "NULLIF(column_default, 'NULL'), column_key = 'PRI' FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position",
            [table],
        )
    lines = []
    for name, declared, required, default, key in rows:
        assert default is None
        declared = _DECLARED.get(declared, declared)
        lines.append(" ".join([name, declared, *([] if required else ["null"]), *["key"][:key]]))
    return lines


class _Cursor(pymysql.cursors.Cursor):
    def fetchall(self):
        """Give the rows as a list, as sqlite3 does."""
        return list(super().fetchall())


class MariaConnection(pymysql.Connection):
    """A connection that is used as sqlite3's are: it executes, and marks values by "?".

    Unlike sqlite3's it begins no transaction by itself.
    """

    is_mariadb = True

    def execute(self, statement, values=()):
        """Run a statement; give its cursor."""
        cursor = self.cursor()
        cursor.execute(statement.replace("%", "%%").replace("?", "%s"), values)
        return cursor

    def __exit__(self, *error):
        """End a transaction, not the connection."""
        self.rollback() if error[0] else self.commit()
