"""What a database holds before any row is read: tables and columns, as its engine tells."""

import re
from typing import NamedTuple

from restcomm_apps.store.database import database, is_mysql
from restcomm_apps.store.models import TABLES

_DECLARED = re.compile(r"\s*([a-z_ ]*[a-z_])?\s*(?:\(\s*(\d+)\s*\))?", re.IGNORECASE)

_SQLITE_COLUMNS = """
    SELECT name, type, NOT "notnull" AND NOT pk, dflt_value IS NOT NULL, pk, NULL, NULL
    FROM pragma_table_info(?) ORDER BY cid
"""
_MYSQL_COLUMNS = """
    SELECT column_name, column_type, is_nullable = 'YES',
        column_default IS NOT NULL OR extra <> '', column_key = 'PRI',
        character_set_name, collation_name
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position
"""
_MYSQL_ENGINE = """
    SELECT engine FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = %s
"""


class Column(NamedTuple):
    """A column as the engine declares it; only texts of a MariaDB have charset and collation."""

    declared: str
    nullable: bool
    has_default: bool
    in_key: bool
    charset: str | None
    collation: str | None

    @property
    def type_name(self):
        """The declared type in lower case, without length and attributes, e.g. ``varchar``."""
        return (_DECLARED.match(self.declared)[1] or "").lower().removesuffix(" unsigned")

    @property
    def length(self):
        """The declared length, or None."""
        length = _DECLARED.match(self.declared)[2]
        return length and int(length)


class Table(NamedTuple):
    """A table: {column name: Column}, and its storage engine or None."""

    columns: dict
    engine: str | None


class Install(NamedTuple):
    """What the checks start from: {table name: Table}, and the roles that the settings know."""

    tables: dict
    roles: tuple

    def has(self, *fields):
        """Tell whether the columns of all these fields are there."""
        return all(
            (table := self.tables.get(field.model._meta.table_name)) is not None
            and field.column_name in table.columns
            for field in fields
        )

    def collation_of(self, field):
        """Give the (charset, collation) of a field's column, or None where it has none."""
        if not self.has(field):
            return None
        column = self.tables[field.model._meta.table_name].columns[field.column_name]
        return column.charset and (column.charset, column.collation)

    def columns(self):
        """List (field, Column) of all columns that the models know and that are there."""
        return [
            (field, self.tables[model._meta.table_name].columns[field.column_name])
            for model in TABLES
            for field in model._meta.sorted_fields
            if self.has(field)
        ]


def take_inventory(roles):
    """Read what the database holds of Restcomm's tables into an Install; changes nothing."""
    present = set(database.get_tables())
    names = [model._meta.table_name for model in TABLES]
    return Install({name: _read_table(name) for name in names if name in present}, tuple(roles))


def _read_table(name):
    mysql = is_mysql()
    columns = database.execute_sql(_MYSQL_COLUMNS if mysql else _SQLITE_COLUMNS, (name,))
    return Table(
        {column.lower(): Column(*described) for column, *described in columns.fetchall()},
        database.execute_sql(_MYSQL_ENGINE, (name,)).fetchone()[0] if mysql else None,
    )
