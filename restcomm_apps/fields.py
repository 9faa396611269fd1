"""The kinds of columns that Restcomm's tables and this service's own have in common."""

import peewee


class LocalDateTimeField(peewee.Field):
    """A naive local time, handed through as the driver gives it; ``dates`` reads and prints it."""

    field_type = "DATETIME"


class MediumTextField(peewee.TextField):
    """A long text, under the name that Restcomm's databases give it."""

    field_type = "MEDIUMTEXT"


class FlagField(peewee.BooleanField):
    """A boolean, under the name that Restcomm's databases give it."""

    field_type = "BOOLEAN"


class SidField(peewee.CharField):
    """A sid, 34 characters."""

    def __init__(self, **options):
        super().__init__(max_length=34, **options)
