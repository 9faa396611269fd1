"""The tables of this service's own: every column. Restcomm neither reads nor needs them."""

import peewee

from .database import database
from .fields import MediumTextField, SidField


class OwnModel(peewee.Model):
    """What all of them share."""

    class Meta:
        database = database
        legacy_table_names = False


class Change(OwnModel):
    """One change to an application or an account, an entry of the chain of its account.

    ``changed_at`` is a text, so that MariaDB keeps the microseconds; ``properties`` is a JSON
    object of names and [from, to]. The last column is the hash of all those before it.
    """

    account_sid = SidField()
    sequence = peewee.BigIntegerField()
    changed_at = peewee.CharField(max_length=27)
    action = peewee.CharField(max_length=16)
    resource_sid = SidField(index=True)
    effective_account_sid = SidField(null=True)
    address = peewee.CharField(max_length=64, null=True)
    operator = peewee.CharField(max_length=64, null=True)
    request_id = peewee.CharField(max_length=64)
    properties = MediumTextField()
    previous_hash = peewee.CharField(max_length=64)
    hash = peewee.CharField(max_length=64)

    class Meta:
        table_name = "restcomm_apps_changes"
        primary_key = peewee.CompositeKey("account_sid", "sequence")


class ChangeHead(OwnModel):
    """How long an account's chain is and how it ends; writers of one account wait for its row."""

    account_sid = SidField(primary_key=True)
    length = peewee.BigIntegerField()
    hash = peewee.CharField(max_length=64)

    class Meta:
        table_name = "restcomm_apps_change_heads"


TABLES = (Change, ChangeHead)
