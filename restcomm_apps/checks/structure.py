"""The checks of what is declared: tables, columns, indexes; no row is read."""

from collections.abc import Callable, Iterator
from functools import partial

import peewee

from restcomm_apps.store import schema, service_models
from restcomm_apps.store.database import database, is_mysql
from restcomm_apps.store.models import TABLES, Account, Application

from .base import INFORMATIONAL, WRONG, Check, Example, Finding
from .inventory import Column, Field, Inventory

# The tables to which the service adds rows.
_WRITTEN = (Account, Application)

# The declared types that hold the same values, by the type that the models declare.
_TEXTS = set("char varchar nvarchar longvarchar text tinytext mediumtext longtext clob".split())
_NUMBERS = set("boolean bool tinyint smallint mediumint int integer bigint".split())
_SAME_TYPES = {
    "VARCHAR": _TEXTS,
    "MEDIUMTEXT": _TEXTS,
    "DATETIME": {"datetime", "timestamp"},
    "BOOLEAN": _NUMBERS,
    "INT": _NUMBERS,
}
_ENDLESS = 2**24
# Longer than any uri that a Restcomm makes.
_URI_LENGTH = 255


# Describes what is wrong with a column, or with its lack; returns None where nothing is wrong.
Describe = Callable[[Field, Column | None], "Example | None"]


def _missing(field: Field, column: Column | None) -> "Example | None":
    return {} if column is None and not field.model.is_spare(field) else None


def _missing_from_older(field: Field, column: Column | None) -> "Example | None":
    return {} if column is None and field.model.is_spare(field) else None


def _of_another_type(field: Field, column: Column | None) -> "Example | None":
    if column is None or column.type_name in _SAME_TYPES[field.field_type]:
        return None
    return _difference(field, column)


def _too_narrow(field: Field, column: Column | None) -> "Example | None":
    # SQLite enforces no length; a column of another type is found as such.
    if not is_mysql() or column is None or _of_another_type(field, column):
        return None
    if column.type_name not in _TEXTS:
        return None
    needed = getattr(field, "max_length", _URI_LENGTH if field.name == "uri" else _ENDLESS)
    room = column.length or (255 if column.type_name == "tinytext" else _ENDLESS)
    return _difference(field, column) if room < needed else None


def _difference(field: Field, column: Column) -> Example:
    length = getattr(field, "max_length", None)
    expected = field.field_type.lower() + (f"({length})" if length else "")
    return {"expected": expected, "found": column.declared or "no type"}


def _refusing_null(field: Field, column: Column | None) -> "Example | None":
    # Removals empty references, wherever they stand.
    emptied = field.model in _WRITTEN or field.name.endswith("application_sid")
    refuses = column is not None and field.null and not column.nullable
    return {} if refuses and emptied else None


def _of_narrow_charset(field: Field, column: Column | None) -> "Example | None":
    if column is None or column.charset in (None, "utf8mb4"):
        return None
    return {"charset": column.charset}


def _column_check(
    name: str,
    severity: str,
    meaning: str,
    describe: Describe,
) -> Check:
    """Make the Check that lists, table by table, the columns that ``describe`` finds wrong."""

    return Check(name, severity, meaning, partial(_find_columns, describe))


def _find_columns(describe: Describe, inventory: Inventory) -> Iterator[Finding]:
    for model in TABLES:
        table = inventory.tables.get(model._meta.table_name)
        if table is None:
            continue
        described = [
            (field.column_name, describe(field, table.columns.get(field.column_name)))
            for field in model._meta.sorted_fields
        ]
        found: list[Example] = [
            {"column": name, **words} for name, words in described if words is not None
        ]
        if found:
            yield Finding(model._meta.table_name, None, len(found), found)


def _find_missing_tables(inventory: Inventory) -> Iterator[Finding]:
    for name in schema.missing_tables():
        yield Finding(name, None, 1, [])


def _find_missing_from_older(inventory: Inventory) -> Iterator[Finding]:
    missed = schema.missing_tables()
    for model in TABLES:
        name = model._meta.table_name
        if name not in inventory.tables and name not in missed:
            yield Finding(name, None, 1, [])


def _find_missing_own_tables(inventory: Inventory) -> Iterator[Finding]:
    present = set(database.get_tables())
    for model in service_models.TABLES:
        if model._meta.table_name not in present:
            yield Finding(model._meta.table_name, None, 1, [])


def _find_unknown_columns(inventory: Inventory) -> Iterator[Finding]:
    """Yield columns that a row written by the service could not fill."""
    for model in _WRITTEN:
        table = inventory.tables.get(model._meta.table_name)
        known = {field.column_name for field in model._meta.sorted_fields}
        found: list[Example] = [
            {"column": name, "found": column.declared}
            for name, column in (table.columns.items() if table else ())
            if name not in known and not column.nullable and not column.has_default
        ]
        if found:
            yield Finding(model._meta.table_name, None, len(found), found)


def _find_keyless(inventory: Inventory) -> Iterator[Finding]:
    for name, table in inventory.tables.items():
        if [column for column, declared in table.columns.items() if declared.in_key] != ["sid"]:
            yield Finding(name, "sid", 1, [])


def _find_engines(inventory: Inventory) -> Iterator[Finding]:
    for name, table in inventory.tables.items():
        if table.engine not in (None, "InnoDB"):
            mend = peewee.SQL(f"ALTER TABLE {name} ENGINE = InnoDB")
            yield Finding(name, None, 1, [{"engine": table.engine}], (mend,))


def _find_missing_indexes(inventory: Inventory) -> Iterator[Finding]:
    for model in TABLES:
        if model._meta.table_name not in inventory.tables:
            continue
        missing = [
            index
            for index in schema.missing_indexes(model)
            if inventory.has(*schema.fields_of(index))
        ]
        if missing:
            columns = [
                [field.column_name for field in schema.fields_of(index)] for index in missing
            ]
            shown: list[Example] = [{"columns": ", ".join(names)} for names in columns]
            mends = tuple(index.safe(False) for index in missing)
            yield Finding(model._meta.table_name, None, len(missing), shown, mends)


STRUCTURE_CHECKS = (
    Check(
        "missing-tables",
        WRONG,
        'a table that is not there; "restcomm-apps init-db" creates it',
        _find_missing_tables,
    ),
    Check(
        "own-tables",
        INFORMATIONAL,
        'a table of this service that is not there; "restcomm-apps init-db" creates it',
        _find_missing_own_tables,
    ),
    Check(
        "older-tables",
        INFORMATIONAL,
        "a table that older releases of Restcomm lacked; the service does without",
        _find_missing_from_older,
    ),
    _column_check(
        "missing-columns", WRONG, "columns that are not there and that the service needs", _missing
    ),
    _column_check(
        "older-columns",
        INFORMATIONAL,
        "columns that older releases of Restcomm lacked; the service does without",
        _missing_from_older,
    ),
    _column_check(
        "column-types",
        WRONG,
        "columns of a type that holds other values than Restcomm's",
        _of_another_type,
    ),
    _column_check(
        "column-lengths", WRONG, "columns too short for what the API accepts", _too_narrow
    ),
    _column_check(
        "required-columns",
        WRONG,
        "columns that must be filled, where the service may leave them empty",
        _refusing_null,
    ),
    Check(
        "unknown-columns",
        WRONG,
        "unknown columns that must be filled, so that the service cannot add rows",
        _find_unknown_columns,
    ),
    Check(
        "primary-keys",
        WRONG,
        "a table whose primary key is not its sid, which may then be there twice",
        _find_keyless,
    ),
    Check(
        "engines",
        WRONG,
        "a table of an engine without transactions, where half a change may stay",
        _find_engines,
        "moves the table to InnoDB",
    ),
    Check(
        "indexes",
        INFORMATIONAL,
        "indexes that are not there, so that a list reads the whole table",
        _find_missing_indexes,
        "creates the indexes",
    ),
    _column_check(
        "charsets",
        INFORMATIONAL,
        "columns that cannot hold every character, emoji for one; such a value is refused",
        _of_narrow_charset,
    ),
)
