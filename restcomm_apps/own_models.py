"""This service's own tables, beside Restcomm's. A database may lack them until init-db has run."""

import peewee

from .database import database
from .fields import LocalDateTimeField, SidField


class SecondToken(peewee.Model):
    """An account's next auth token, valid beside the one in Restcomm's table until promoted."""

    account_sid = SidField(primary_key=True)
    token = peewee.CharField(max_length=32)
    date_created = LocalDateTimeField()

    class Meta:
        database = database
        legacy_table_names = False
        table_name = "restcomm_apps_second_tokens"


TABLES = (SecondToken,)
