"""Restcomm's tables: every column.

Source: legacy/SCHEMA.md. Column names, types and lengths are Restcomm's, so that a database can
move either way; the indexes are this service's own.
"""

import peewee

from .columns import FlagField, LocalDateTimeField, MediumTextField, SidField
from .database import database


class RestcommModel(peewee.Model):
    """What all of Restcomm's tables share."""

    sid = SidField(primary_key=True)

    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def create(cls, **values):
        """Add a row; what an older Restcomm's table has no column for is left out."""
        return super().create(**{name: values[name] for name in values.keys() & cls._meta.fields})


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

    def goes_by(self, sid_or_email):
        """Tell whether a sid or an e-mail address is this account's."""
        return sid_or_email in (self.sid, self.email_address)


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
    def application_columns(cls):
        """List the columns that point at an application; an older Restcomm's table has fewer."""
        names = ("voice", "sms", "ussd", "refer")
        fields = cls._meta.fields
        return [fields[column] for name in names if (column := f"{name}_application_sid") in fields]


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
