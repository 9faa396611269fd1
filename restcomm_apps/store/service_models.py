"""This service's own tables, beside Restcomm's; a database has them once init-db has run on it."""

import peewee

from .columns import LocalDateTimeField, MediumTextField, SidField
from .database import database


class OwnModel(peewee.Model):
    """What all of this service's own tables share."""

    class Meta:
        database = database
        legacy_table_names = False


class IdempotentReply(OwnModel):
    """The first answer to a request with an Idempotency-Key, for those that repeat it.

    ``created`` is in seconds of Unix time; ``headers`` a JSON list of [name, value].
    """

    account_sid = SidField()
    idempotency_key = peewee.CharField(max_length=255)
    created = peewee.BigIntegerField(index=True)
    fingerprint = peewee.CharField(max_length=64)
    status = peewee.IntegerField(null=True)
    headers = MediumTextField(null=True)
    body = MediumTextField(null=True)

    class Meta:
        table_name = "restcomm_apps_idempotent_replies"
        primary_key = peewee.CompositeKey("account_sid", "idempotency_key")


class SecondToken(OwnModel):
    """An account's next auth token, valid beside the one in Restcomm's table until promoted."""

    account_sid = SidField(primary_key=True)
    token = peewee.CharField(max_length=32)
    date_created = LocalDateTimeField()

    class Meta:
        table_name = "restcomm_apps_second_tokens"


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


TABLES = (IdempotentReply, SecondToken, Change, ChangeHead)
