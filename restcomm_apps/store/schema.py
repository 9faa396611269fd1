"""The database's tables as a whole: how they come into being, and what an older one lacks."""

from datetime import datetime

import peewee

from restcomm_apps.domain.vocabulary import ACTIVE, FIRST_ORGANIZATION

from . import models, service_models
from .database import current_store
from .models import Account, Organization

# Texts compare to the letter, as on SQLite.
_MYSQL_SETTINGS = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"


def create_tables(now: datetime | str) -> None:
    """Create the tables and indexes that are missing, and the first organization; repeatable."""
    store = current_store()
    database: peewee.Database = store.database
    present = set(database.get_tables())
    for table in (*models.TABLES, *service_models.TABLES):
        if table._meta.table_name not in present:
            # Not in Peewee's stubs.
            definition = peewee.SchemaManager(table)._create_table()  # type: ignore[attr-defined]
            database.execute(definition.literal(_MYSQL_SETTINGS) if store.is_mysql else definition)
        for index in missing_indexes(table):
            database.execute(index.safe(False))
    sid, domain_name = FIRST_ORGANIZATION
    Organization.insert(
        sid=sid, domain_name=domain_name, date_created=now, date_updated=now, status=ACTIVE
    ).on_conflict_ignore().execute()


def missing_tables() -> list[str]:
    """List the names of Restcomm's tables that the database lacks and the service needs.

    A Restcomm from before there were organizations has no table of them.
    """
    present = set(current_store().database.get_tables())
    names = [table._meta.table_name for table in models.TABLES]
    if Account._meta.table_name in present and not _has_organizations():
        names.remove(Organization._meta.table_name)
    return [name for name in names if name not in present]


def missing_indexes(table: type[peewee.Model]) -> list[peewee.Index]:
    """List the indexes of a model that its table in the database lacks, under whatever name."""
    indexes = current_store().database.get_indexes(table._meta.table_name)
    present = {tuple(index.columns) for index in indexes}
    return [
        index
        for index in table._meta.fields_to_index()
        if tuple(field.column_name for field in fields_of(index)) not in present
    ]


def fields_of(index: peewee.Index) -> list[peewee.Field]:
    """Return the fields of an index of a model, in order."""
    fields: list[peewee.Field] = index._expressions  # type: ignore[attr-defined]  # not in stubs
    return fields


def has_own_table(table: type[service_models.OwnModel]) -> bool:
    """Return whether the database has one of this service's own tables; see ``Store.tables``.

    A Restcomm's database has none, until init-db has run on it and the service started again.
    """
    return table._meta.table_name in current_store().tables


def has_profiles() -> bool:
    """Return whether the database has Restcomm's tables of profiles; see ``Store.tables``."""
    tables = current_store().tables
    return all(
        tables.get(table._meta.table_name, frozenset()).issuperset(table._meta.columns)
        for table in models.PROFILE_TABLES
    )


def _has_organizations() -> bool:
    columns = current_store().database.get_columns(Account._meta.table_name)
    return any(column.name == "organization_sid" for column in columns)
