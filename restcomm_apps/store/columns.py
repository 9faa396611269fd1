"""The kinds of columns that Restcomm's tables and this service's own have in common."""

from datetime import datetime
from typing import Any

import peewee

from .database import current_store


class LocalDateTimeField(peewee.Field):
    """A naive local time, handed through as the driver gives it; ``dates`` reads and prints it."""

    field_type = "DATETIME"

    def db_value(self, value: datetime | str | None) -> datetime | str | None:
        """Cut off what MariaDB's whole seconds cannot hold; MySQL would round it."""
        if value is None or not current_store().is_mysql:
            return value
        if isinstance(value, datetime):
            return value.replace(microsecond=0)
        return value.partition(".")[0]


class MediumTextField(peewee.TextField):
    """A long text, under the name that Restcomm's databases give it."""

    field_type = "MEDIUMTEXT"


class FlagField(peewee.BooleanField):
    """A boolean, under the name that Restcomm's databases give it."""

    field_type = "BOOLEAN"


class SidField(peewee.CharField):
    """A sid, 34 characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=34, **options)
