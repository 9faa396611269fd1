"""What a database holds before any row is read: tables and columns, as its engine lists them."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import peewee

from restcomm_apps.store.database import database, is_mysql
from restcomm_apps.store.models import TABLES

# A column of a model, whatever it holds.
Field: TypeAlias = "peewee.Field[Any]"

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
    def type_name(self) -> str:
        """The declared type in lower case, without length and attributes, e.g. ``varchar``."""
        match = _DECLARED.match(self.declared)
        return ((match and match[1]) or "").lower().removesuffix(" unsigned")

    @property
    def length(self) -> int | None:
        """The declared length, or None."""
        match = _DECLARED.match(self.declared)
        return int(match[2]) if match and match[2] else None


class Table(NamedTuple):
    """A table: {column name: Column}, and its storage engine or None."""

    columns: dict[str, Column]
    engine: str | None


class Inventory(NamedTuple):
    """What the checks start from: {table name: Table}, and the roles that the settings know."""

    tables: dict[str, Table]
    roles: tuple[str, ...]

    def has(self, *fields: Field) -> bool:
        """Return whether the columns of all these fields are there."""
        return all(
            (table := self.tables.get(field.model._meta.table_name)) is not None
            and field.column_name in table.columns
            for field in fields
        )

    def collation_of(self, field: Field) -> tuple[str, str] | None:
        """Return the (charset, collation) of a field's column, or None where it has none."""
        if not self.has(field):
            return None
        column = self.tables[field.model._meta.table_name].columns[field.column_name]
        if column.charset is None or column.collation is None:
            return None
        return column.charset, column.collation

    def columns(self) -> list[tuple[Field, Column]]:
        """List (field, Column) of all columns that the models know and that are there."""
        return [
            (field, self.tables[model._meta.table_name].columns[field.column_name])
            for model in TABLES
            for field in model._meta.sorted_fields
            if self.has(field)
        ]


def take_inventory(roles: Iterable[str]) -> Inventory:
    """Read what the database holds of Restcomm's tables; nothing is written."""
    present = set(database.get_tables())
    names = [model._meta.table_name for model in TABLES]
    return Inventory({name: _read_table(name) for name in names if name in present}, tuple(roles))


def _read_table(name: str) -> Table:
    mysql = is_mysql()
    columns = database.execute_sql(_MYSQL_COLUMNS if mysql else _SQLITE_COLUMNS, (name,))
    return Table(
        {column.lower(): Column(*described) for column, *described in columns.fetchall()},
        database.execute_sql(_MYSQL_ENGINE, (name,)).fetchone()[0] if mysql else None,
    )
