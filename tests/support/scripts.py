"""HSQLDB's restcomm.script in three ages, made from rows as HSQLDB writes them.

Source: legacy/SCHEMA.md. Each age has its own tables, columns and order of columns, on purpose.
"""

import re

from restcomm_apps.store.models import TABLES as MODELS

_HEAD = {
    "oldest": ["CREATE SCHEMA PUBLIC AUTHORIZATION DBA", 'CREATE USER SA PASSWORD ""'],
    "middle": ["SET DATABASE UNIQUE NAME HSQLDB4B9865B1C6", "SET FILES LOG TRUE"],
    "newest": ["SET DATABASE UNIQUE NAME HSQLDB4B9865B1C6", "SET DATABASE GC 0"],
}
_BETWEEN = [
    "GRANT DBA TO SA",
    "SET SCHEMA SYSTEM_LOBS",
    "INSERT INTO BLOCKS VALUES(0,2147483647,0)",
    "SET SCHEMA PUBLIC",
]
# A table that is not ours, with a column list and values that must not be read.
_OTHER_TABLE = (
    'CREATE MEMORY TABLE "restcomm_sms_messages"("sid" VARCHAR(34) NOT NULL PRIMARY KEY,'
    "\"body\" VARCHAR(160) DEFAULT '(,)' NOT NULL)"
)
_OTHER_ROW = "INSERT INTO \"restcomm_sms_messages\" VALUES('SM1','it''s (not, ours')"

_NEW_COLUMNS = {
    "organization_sid",
    "refer_url",
    "refer_method",
    "refer_application_sid",
    "pure_sip",
    "cost",
    "ussd_url",
    "ussd_method",
    "ussd_fallback_url",
    "ussd_fallback_method",
    "ussd_application_sid",
    "password_algorithm",
    "push_client_identity",
}
_LEFT_OUT = {
    "oldest": _NEW_COLUMNS | {"kind"},
    "middle": {"organization_sid", "refer_url", "refer_method", "refer_application_sid"},
    "newest": set(),
}
_ORGANIZATIONS = "restcomm_organizations"


def columns_of(age, model):
    """List the columns that a table has in an age, in the age's order."""
    columns = [name for name in model._meta.fields if name not in _LEFT_OUT[age]]
    if age == "middle":
        columns = columns[::-1]
    if age == "oldest" and "parent_sid" in columns:
        columns[columns.index("parent_sid")] = "account_sid"
    if age == "oldest" and "rcml_url" in columns:
        # Columns that later releases, and this service, do not have.
        columns[-1:-1] = ["voice_url", "sms_status_callback"]
    return columns


def make_script(age, tables):
    """Make the lines of a script from rows, given as {table name: [row]}."""
    present = [
        model for model in MODELS if age == "newest" or model._meta.table_name != _ORGANIZATIONS
    ]
    creates = [_create(age, model) for model in present]
    inserts = [
        insert(age, model, row)
        for model in present
        for row in tables.get(model._meta.table_name, [])
    ]
    middle = len(inserts) // 2
    return [
        *_HEAD[age],
        *creates[:2],
        _OTHER_TABLE,
        *creates[2:],
        *_BETWEEN,
        *inserts[:middle],
        _OTHER_ROW,
        *inserts[middle:],
    ]


def _create(age, model):
    declared = ",".join(
        f'"{name}" {"LONGVARCHAR" if "ur" in name else "VARCHAR(34)"}'
        f"{' NOT NULL PRIMARY KEY' if name == 'sid' else ''}"
        for name in columns_of(age, model)
    )
    table = model._meta.table_name
    if age == "oldest":
        return f'CREATE MEMORY TABLE "{table}"({declared})'
    if age == "middle":
        # Upper case without quotes, and a constraint among the columns.
        declared = declared.replace('"', "").upper().replace(",", ", ")
        return f"CREATE CACHED TABLE {table.upper()}({declared}, CONSTRAINT PK UNIQUE(SID, URI))"
    return f'CREATE MEMORY TABLE PUBLIC."{table}"({declared},CHECK("sid" <> \'a,)b\'))'


def insert(age, model, row):
    """Make the INSERT of a row; columns that the row lacks are null."""
    row = row | {"account_sid": row.get("account_sid", row.get("parent_sid"))}
    values = (", " if age == "newest" else ",").join(
        write_value(row.get(name)) for name in columns_of(age, model)
    )
    table = model._meta.table_name
    name = {"oldest": f'"{table}"', "middle": table.upper(), "newest": f'PUBLIC."{table}"'}[age]
    return f"INSERT INTO {name} VALUES({values})"


def write_value(value):
    """Write a value as HSQLDB does: all but printable ASCII as references of UTF-16 units."""
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    if isinstance(value, int):
        return str(value)
    text = value.replace("'", "''").replace("\\u", "\\u005cu")
    return "'" + re.sub(r"[^ -~]", _reference, text) + "'"


def _reference(match):
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
