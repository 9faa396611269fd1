"""The database's tables as a whole: how they come into being, and what an older one lacks."""

import threading

from restcomm_apps.domain.vocabulary import ACTIVE, FIRST_ORGANIZATION

from . import service_models as own_models
from .database import database, is_mysql
from .models import PROFILE_TABLES, TABLES, Account, Application, Organization

# Texts compare to the letter, as on SQLite.
_MYSQL_SETTINGS = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

_fitting = threading.Lock()
_fitted_to = None
_left_out = []
# Of the tables that a database may lack, those that it has.
_spare_tables = set()


def create_tables(now):
    """Create the tables and indexes that are missing, and the first organization; repeatable."""
    for table in (*TABLES, *own_models.TABLES):
        table._meta.table_settings = _MYSQL_SETTINGS if is_mysql() else None
        table.create_table()
        for index in missing_indexes(table):
            database.execute(index.safe(False))
    sid, domain_name = FIRST_ORGANIZATION
    Organization.insert(
        sid=sid, domain_name=domain_name, date_created=now, date_updated=now, status=ACTIVE
    ).on_conflict_ignore().execute()


def missing_tables():
    """List the names of Restcomm's tables that the database lacks and the service needs.

    A Restcomm from before there were organizations has no table of them.
    """
    present = set(database.get_tables())
    names = [table._meta.table_name for table in TABLES]
    if Account._meta.table_name in present and not _has_organizations():
        names.remove(Organization._meta.table_name)
    return [name for name in names if name not in present]


def missing_indexes(table):
    """List the indexes of a model that its table in the database lacks, under whatever name."""
    present = {tuple(index.columns) for index in database.get_indexes(table._meta.table_name)}
    return [
        index
        for index in table._meta.fields_to_index()
        if tuple(column.column_name for column in index._expressions) not in present
    ]


def fit_models():
    """Fit the models to the tables of the database, when it is first used."""
    global _fitted_to, _spare_tables
    if _fitted_to is not database.obj:
        with _fitting:
            if _fitted_to is not database.obj:
                tables = set(database.get_tables())
                _fit_models(tables)
                _spare_tables = {
                    table for table in own_models.TABLES if table._meta.table_name in tables
                } | {table for table in PROFILE_TABLES if _can_be_read(table, tables)}
                _fitted_to = database.obj


def has_own_table(table):
    """Tell whether the database had one of this service's own tables when it was first opened.

    A Restcomm's database has none, until init-db has run on it and the service started again.
    """
    return table in _spare_tables


def has_profiles() -> bool:
    """Return whether the database had Restcomm's tables of profiles when it was first opened."""
    return _spare_tables.issuperset(PROFILE_TABLES)


def _can_be_read(table, present_tables):
    if table._meta.table_name not in present_tables:
        return False
    present = {column.name for column in database.get_columns(table._meta.table_name)}
    return present.issuperset(table._meta.columns)


def _fit_models(tables):
    """Leave out of the models the columns that the database of an older Restcomm lacks.

    Only those that it can do without: a query that needs another one will miss it.
    """
    while _left_out:
        table, field = _left_out.pop()
        table._meta.add_field(field.name, field)
    for table in TABLES:
        if table._meta.table_name not in tables:
            continue
        present = {column.name for column in database.get_columns(table._meta.table_name)}
        for field in list(table._meta.sorted_fields):
            if field.column_name not in present and is_spare(table, field):
                table._meta.remove_field(field.name)
                _left_out.append((table, field))


def is_spare(table, field):
    """Tell whether the service can do without a column, as an older Restcomm does."""
    # What a client sends of an application must not be dropped.
    return table is not Application and (field.null or field.name == "organization_sid")


def _has_organizations():
    columns = database.get_columns(Account._meta.table_name)
    return any(column.name == "organization_sid" for column in columns)
