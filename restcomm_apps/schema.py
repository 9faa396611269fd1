"""The database's tables as a whole: how they come into being, and which are there."""

from . import models, own_models
from .database import database
from .models import ACTIVE, FIRST_ORGANIZATION, Organization

TABLES = (*models.TABLES, *own_models.TABLES)


def create_tables(now):
    """Create the tables and indexes that are missing, and the first organization; repeatable."""
    sid, domain_name = FIRST_ORGANIZATION
    with database.atomic():
        database.create_tables(TABLES)
        Organization.insert(
            sid=sid, domain_name=domain_name, date_created=now, date_updated=now, status=ACTIVE
        ).on_conflict_ignore().execute()


def missing_tables(tables=TABLES):
    """List the names of those tables that the database lacks."""
    present = set(database.get_tables())
    return [name for table in tables if (name := table._meta.table_name) not in present]
