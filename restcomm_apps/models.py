"""Restcomm's tables, and the queries on them; every query of applications starts from an account.

Source: legacy/SCHEMA.md. Column names, types and lengths are Restcomm's, so that a database can
move either way; the indexes are this service's own.
"""

from collections import defaultdict

import peewee

from . import sids
from .database import database
from .errors import Forbidden, NotFound
from .properties import API_VERSION

FIRST_ORGANIZATION = ("ORafbe225ad37541eba518a74248f0ac4c", "default.restcomm.com")
ACTIVE = "active"


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


class RestcommModel(peewee.Model):
    """What all of Restcomm's tables share."""

    sid = SidField(primary_key=True)

    class Meta:
        database = database
        legacy_table_names = False


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

    class Meta:
        table_name = "restcomm_accounts"

    @classmethod
    def find(cls, sid_or_email):
        """Find an account by its sid or its exact e-mail address, or return None."""
        column = cls.sid if sids.is_sid(sid_or_email) else cls.email_address
        return cls.select().where(column == sid_or_email).order_by(cls.sid).first()

    @classmethod
    def add(cls, email_address, auth_token, now, *, friendly_name, parent, role):
        """Add an active account, below ``parent`` or at the top, and return it.

        Raises peewee.IntegrityError where the e-mail address has an account already.
        """
        sid = sids.account_sid_of(email_address)
        return cls.create(
            sid=sid,
            date_created=now,
            date_updated=now,
            email_address=email_address,
            friendly_name=friendly_name,
            parent_sid=parent and parent.sid,
            type="Full",
            status=ACTIVE,
            auth_token=auth_token,
            role=role,
            uri=f"/{API_VERSION}/Accounts/{sid}",
            organization_sid=parent.organization_sid if parent else FIRST_ORGANIZATION[0],
        )

    def goes_by(self, sid_or_email):
        """Tell whether a sid or an e-mail address is this account's."""
        return sid_or_email in (self.sid, self.email_address)

    def is_ancestor_of(self, account):
        """Tell whether this account is the other's parent, or its parent's, and so on."""
        seen = set()
        parent_sid = account.parent_sid
        while parent_sid is not None and parent_sid not in seen:
            if parent_sid == self.sid:
                return True
            seen.add(parent_sid)
            parent = Account.select(Account.parent_sid).where(Account.sid == parent_sid).first()
            parent_sid = parent and parent.parent_sid
        return False

    def children(self):
        """List the direct sub-accounts, by sid."""
        return list(Account.select().where(Account.parent_sid == self.sid).order_by(Account.sid))

    @classmethod
    def of_organization(cls, organization_sid, domain_name):
        """List the accounts of the organization of that sid, or else of that domain, by sid.

        Raises NotFound (404) for an unknown domain.
        """
        if organization_sid is None:
            organization = Organization.get_or_none(Organization.domain_name == domain_name)
            if organization is None:
                raise NotFound()
            organization_sid = organization.sid
        return list(cls.select().where(cls.organization_sid == organization_sid).order_by(cls.sid))

    def applications(self):
        """List the account's applications, by DateCreated, then sid."""
        return list(
            Application.select()
            .where(Application.account_sid == self.sid)
            .order_by(Application.date_created, Application.sid)
        )

    def applications_with_numbers(self):
        """List the account's applications, each with ``numbers``, its list of numbers or None."""
        numbers = defaultdict(list)
        for number in IncomingPhoneNumber.of_account(self.sid):
            for application_sid in dict.fromkeys(number.application_sids()):
                numbers[application_sid].append(number)
        applications = self.applications()
        for application in applications:
            application.numbers = numbers.get(application.sid)
        return applications

    def application(self, sid):
        """Find one of the account's applications.

        Raises NotFound (404) where there is none of that sid, Forbidden (403) where it is
        another account's.
        """
        application = Application.get_or_none(Application.sid == sid) if sids.is_sid(sid) else None
        if application is None:
            raise NotFound()
        if application.account_sid != self.sid:
            raise Forbidden()
        return application

    def create_application(self, values, now):
        """Add an application with the columns ``values`` and return it."""
        sid = sids.new_sid(sids.APPLICATION)
        with database.atomic():
            return Application.create(
                sid=sid,
                account_sid=self.sid,
                date_created=now,
                date_updated=now,
                # Without the setting ROOT_PATH: the form in which a Restcomm writes it itself.
                uri=f"/{API_VERSION}/Accounts/{self.sid}/Applications/{sid}",
                **values,
            )

    def update_application(self, sid, values, now):
        """Set the columns ``values`` of an application and return it; see ``application``.

        DateUpdated moves only when there is a column to set.
        """
        with database.atomic():
            application = self.application(sid)
            if values:
                changes = values | {"date_updated": now}
                Application.update(changes).where(Application.sid == sid).execute()
                application = self.application(sid)
        return application

    def remove_application(self, sid, unbind, now):
        """Remove an application; see ``application``.

        With ``unbind`` the numbers and clients that point at it are freed in the same
        transaction; the original left them dangling.
        """
        with database.atomic():
            self.application(sid)
            if unbind:
                for column in (*IncomingPhoneNumber.application_columns(), Client.voice_application_sid):
                    column.model.update({column: None, "date_updated": now}).where(
                        column == sid
                    ).execute()
            Application.delete().where(Application.sid == sid).execute()


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
        indexes = ((("account_sid", "date_created", "sid"), False),)


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
        """List the columns that point at an application."""
        return (
            cls.voice_application_sid,
            cls.sms_application_sid,
            cls.ussd_application_sid,
            cls.refer_application_sid,
        )

    @classmethod
    def of_account(cls, account_sid):
        """Select an account's numbers by sid: only the columns a reply shows."""
        return (
            cls.select(cls.sid, cls.friendly_name, cls.phone_number, *cls.application_columns())
            .where(cls.account_sid == account_sid)
            .order_by(cls.sid)
        )

    def application_sids(self):
        """List the sids of the applications this number points at."""
        return [
            sid
            for column in self.application_columns()
            if (sid := getattr(self, column.name)) is not None
        ]


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


TABLES = (Organization, Account, Application, IncomingPhoneNumber, Client)


def create_tables(now):
    """Create the tables and indexes that are missing, and the first organization; repeatable."""
    sid, domain_name = FIRST_ORGANIZATION
    with database.atomic():
        database.create_tables(TABLES)
        Organization.insert(
            sid=sid, domain_name=domain_name, date_created=now, date_updated=now, status=ACTIVE
        ).on_conflict_ignore().execute()


def missing_tables():
    """List the names of Restcomm's tables that the database lacks."""
    present = set(database.get_tables())
    return [name for table in TABLES if (name := table._meta.table_name) not in present]
