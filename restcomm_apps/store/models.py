"""Restcomm's tables: every column.

Source: legacy/SCHEMA.md. Column names, types and lengths are Restcomm's, so that a database can
move either way; the indexes are this service's own.
"""

from typing import Any, TypeVar

import peewee

from .columns import FlagField, LocalDateTimeField, MediumTextField, SidField
from .database import PerStore, current_store, database

M = TypeVar("M", bound="RestcommModel")


class RestcommModel(peewee.Model):
    """What all of Restcomm's tables share: an older Restcomm's may lack some of their columns."""

    sid = SidField(primary_key=True)

    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def is_spare(cls, field: peewee.Field) -> bool:
        """Return whether the service can do without a column, as older Restcomms do."""
        return bool(field.null) or field.name == "organization_sid"

    @classmethod
    def present_fields(cls) -> dict[str, peewee.Field]:
        """Return {name: field} of the columns to read and write: those that are there.

        One that the service needs is among them in any case; without it the query fails.
        """
        found = _present_fields.get()
        if cls not in found:
            found[cls] = cls._find_present_fields()
        return found[cls]

    @classmethod
    def _find_present_fields(cls) -> dict[str, peewee.Field]:
        columns = current_store().tables.get(cls._meta.table_name)
        return {
            field.name: field
            for field in cls._meta.sorted_fields
            if columns is None or field.column_name in columns or not cls.is_spare(field)
        }

    @classmethod
    def select(cls: type[M], *columns: peewee.Node) -> "peewee.ModelSelect[M]":
        """Select columns; without any, those that are there."""
        shown = columns or cls.present_fields().values()
        return peewee.ModelSelect(cls, shown, is_default=not columns)

    @classmethod
    def create(cls: type[M], **values: Any) -> M:
        """Add a row; what an older Restcomm's table has no column for is left out."""
        names = values.keys() & cls.present_fields().keys()
        row = cls(**{name: values[name] for name in names})
        row.save(force_insert=True)
        return row


_present_fields = PerStore[dict[type[RestcommModel], dict[str, peewee.Field]]](dict)


class DatedModel(RestcommModel):
    """What all but the organizations begin with."""

    date_created = LocalDateTimeField()
    date_updated = LocalDateTimeField()


class Organization(RestcommModel):
    """Who runs a domain; every account belongs to one."""

    domain_name = peewee.CharField(max_length=255, unique=True)
    date_created = LocalDateTimeField()
    date_updated = LocalDateTimeField()
    status = peewee.CharField(max_length=16)

    class Meta:
        table_name = "restcomm_organizations"


class Account(DatedModel):
    """Who owns applications and may call; accounts form trees by ``parent_sid``."""

    email_address = MediumTextField()
    friendly_name = peewee.CharField(max_length=64)
    parent_sid = SidField(null=True)
    type = peewee.CharField(max_length=8)
    status = peewee.CharField(max_length=16)
    auth_token = peewee.CharField(max_length=32)
    role = peewee.CharField(max_length=64)
    uri = MediumTextField()
    organization_sid = SidField()

    # No columns: the caller's second token, and the token that its request has made.
    second_token: str | None
    new_token: str | None

    class Meta:
        table_name = "restcomm_accounts"


class Application(DatedModel):
    """Where the RCML of a number comes from."""

    friendly_name = peewee.CharField(max_length=64)
    account_sid = SidField()
    api_version = peewee.CharField(max_length=10)
    voice_caller_id_lookup = FlagField()
    uri = MediumTextField()
    rcml_url = MediumTextField(null=True)
    kind = peewee.CharField(max_length=5, null=True)

    class Meta:
        table_name = "restcomm_applications"
        # One for each order of a list, and one for the filter Kind in the usual order.
        indexes = (
            (("account_sid", "date_created", "sid"), False),
            (("account_sid", "date_updated", "sid"), False),
            (("account_sid", "friendly_name", "date_created", "sid"), False),
            (("account_sid", "kind", "date_created", "sid"), False),
        )

    @classmethod
    def is_spare(cls, field: peewee.Field) -> bool:
        """Return False: what a client sends of an application must not be dropped."""
        return False


class IncomingPhoneNumber(DatedModel):
    """A number and the applications that answer its calls, messages, sessions and transfers."""

    friendly_name = peewee.CharField(max_length=256)
    account_sid = SidField(index=True)
    phone_number = peewee.CharField(max_length=30)
    api_version = peewee.CharField(max_length=10)
    voice_caller_id_lookup = FlagField()
    voice_url = MediumTextField(null=True)
    voice_method = peewee.CharField(max_length=4, null=True)
    voice_fallback_url = MediumTextField(null=True)
    voice_fallback_method = peewee.CharField(max_length=4, null=True)
    status_callback = MediumTextField(null=True)
    status_callback_method = peewee.CharField(max_length=4, null=True)
    voice_application_sid = SidField(null=True)
    sms_url = MediumTextField(null=True)
    sms_method = peewee.CharField(max_length=4, null=True)
    sms_fallback_url = MediumTextField(null=True)
    sms_fallback_method = peewee.CharField(max_length=4, null=True)
    sms_application_sid = SidField(null=True)
    uri = MediumTextField()
    voice_capable = FlagField(null=True)
    sms_capable = FlagField(null=True)
    mms_capable = FlagField(null=True)
    fax_capable = FlagField(null=True)
    pure_sip = FlagField(null=True)
    cost = peewee.CharField(max_length=10, null=True)
    ussd_url = MediumTextField(null=True)
    ussd_method = peewee.CharField(max_length=4, null=True)
    ussd_fallback_url = MediumTextField(null=True)
    ussd_fallback_method = peewee.CharField(max_length=4, null=True)
    ussd_application_sid = SidField(null=True)
    refer_url = MediumTextField(null=True)
    refer_method = peewee.CharField(max_length=4, null=True)
    refer_application_sid = SidField(null=True)
    organization_sid = SidField()

    class Meta:
        table_name = "restcomm_incoming_phone_numbers"

    @classmethod
    def application_columns(cls) -> list[peewee.Field]:
        """List the columns that point at an application; an older Restcomm's table has fewer."""
        fields = cls.present_fields()
        return [fields[name] for name in fields if name.endswith("_application_sid")]


class Client(DatedModel):
    """A SIP client and the application that answers its calls."""

    account_sid = SidField()
    api_version = peewee.CharField(max_length=10)
    friendly_name = peewee.CharField(max_length=64)
    login = peewee.CharField(max_length=64)
    password = peewee.CharField(max_length=64)
    status = peewee.IntegerField()
    voice_url = MediumTextField(null=True)
    voice_method = peewee.CharField(max_length=4, null=True)
    voice_fallback_url = MediumTextField(null=True)
    voice_fallback_method = peewee.CharField(max_length=4, null=True)
    voice_application_sid = SidField(null=True)
    uri = MediumTextField()
    push_client_identity = peewee.CharField(max_length=34, null=True)
    password_algorithm = peewee.CharField(max_length=34, null=True)

    class Meta:
        table_name = "restcomm_clients"


class Profile(RestcommModel):
    """What Restcomm's own web pages let an account do, as a JSON document."""

    document = MediumTextField()

    class Meta:
        table_name = "restcomm_profiles"


class ProfileAssociation(peewee.Model):
    """Which profile an account or an organization has."""

    target_sid = SidField(primary_key=True)
    profile_sid = SidField()

    class Meta:
        database = database
        legacy_table_names = False
        table_name = "restcomm_profile_associations"


TABLES = (Organization, Account, Application, IncomingPhoneNumber, Client)
# Read where they are there, never made; the columns that are read are all that they need to have.
PROFILE_TABLES = (Profile, ProfileAssociation)
