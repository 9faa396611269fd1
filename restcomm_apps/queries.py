"""Every query on accounts and applications; those of applications start from an account.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

from collections import defaultdict

from . import sids
from .database import database
from .errors import Forbidden, NotFound
from .models import (
    ACTIVE,
    FIRST_ORGANIZATION,
    Account,
    Application,
    Client,
    IncomingPhoneNumber,
    Organization,
)
from .properties import API_VERSION


class AccountExists(Exception):
    """The e-mail address has an account already."""


def find_account(sid_or_email):
    """Find an account by its sid or its exact e-mail address, or return None."""
    column = Account.sid if sids.is_sid(sid_or_email) else Account.email_address
    return Account.select().where(column == sid_or_email).order_by(Account.sid).first()


def add_account(email_address, auth_token, now, *, friendly_name, parent, role):
    """Add an active account, below ``parent`` or at the top, and return it.

    Raises AccountExists.
    """
    sid = sids.account_sid_of(email_address)
    with database.atomic():
        taken = (Account.email_address == email_address) | (Account.sid == sid)
        if Account.select().where(taken).exists():
            raise AccountExists(email_address)
        return Account.create(
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


def is_ancestor(ancestor, account):
    """Tell whether an account is the other's parent, or its parent's, and so on."""
    seen = set()
    parent_sid = account.parent_sid
    while parent_sid is not None and parent_sid not in seen:
        if parent_sid == ancestor.sid:
            return True
        seen.add(parent_sid)
        parent = Account.select(Account.parent_sid).where(Account.sid == parent_sid).first()
        parent_sid = parent and parent.parent_sid
    return False


def list_children(account):
    """List an account's direct sub-accounts, by sid."""
    return list(Account.select().where(Account.parent_sid == account.sid).order_by(Account.sid))


def list_accounts_of_organization(organization_sid, domain_name):
    """List the accounts of the organization of that sid, or else of that domain, by sid.

    Raises NotFound (404) for an unknown domain.
    """
    if organization_sid is None:
        organization = Organization.get_or_none(Organization.domain_name == domain_name)
        if organization is None:
            raise NotFound()
        organization_sid = organization.sid
    found = Account.select().where(Account.organization_sid == organization_sid)
    return list(found.order_by(Account.sid))


def list_applications(account):
    """List an account's applications, by DateCreated, then sid."""
    return list(
        Application.select()
        .where(Application.account_sid == account.sid)
        .order_by(Application.date_created, Application.sid)
    )


def list_applications_with_numbers(account):
    """List an account's applications, each with ``numbers``, its list of numbers or None."""
    numbers = defaultdict(list)
    for number in _select_numbers(account):
        for application_sid in dict.fromkeys(number.application_sids()):
            numbers[application_sid].append(number)
    applications = list_applications(account)
    for application in applications:
        application.numbers = numbers.get(application.sid)
    return applications


def _select_numbers(account):
    """Select an account's numbers by sid: only the columns that a reply shows."""
    shown = (
        IncomingPhoneNumber.sid,
        IncomingPhoneNumber.friendly_name,
        IncomingPhoneNumber.phone_number,
        *IncomingPhoneNumber.application_columns(),
    )
    return (
        IncomingPhoneNumber.select(*shown)
        .where(IncomingPhoneNumber.account_sid == account.sid)
        .order_by(IncomingPhoneNumber.sid)
    )


def find_application(account, sid):
    """Find one of an account's applications.

    Raises NotFound (404) where there is none of that sid, Forbidden (403) where it is another
    account's.
    """
    application = Application.get_or_none(Application.sid == sid) if sids.is_sid(sid) else None
    if application is None:
        raise NotFound()
    if application.account_sid != account.sid:
        raise Forbidden()
    return application


def create_application(account, values, now):
    """Add an application with the columns ``values`` to an account and return it."""
    sid = sids.new_sid(sids.APPLICATION)
    with database.atomic():
        return Application.create(
            sid=sid,
            account_sid=account.sid,
            date_created=now,
            date_updated=now,
            # Without the setting ROOT_PATH: the form in which a Restcomm writes it itself.
            uri=f"/{API_VERSION}/Accounts/{account.sid}/Applications/{sid}",
            **values,
        )


def update_application(account, sid, values, now):
    """Set the columns ``values`` of an application and return it; see ``find_application``.

    DateUpdated moves only when there is a column to set.
    """
    with database.atomic():
        application = find_application(account, sid)
        if values:
            changes = values | {"date_updated": now}
            Application.update(changes).where(Application.sid == sid).execute()
            application = find_application(account, sid)
    return application


def remove_application(account, sid, unbind, now):
    """Remove an application; see ``find_application``.

    With ``unbind`` the numbers and clients that point at it are freed in the same transaction; the
    original left them dangling.
    """
    with database.atomic():
        find_application(account, sid)
        if unbind:
            for column in (*IncomingPhoneNumber.application_columns(), Client.voice_application_sid):
                freed = {column: None, "date_updated": now}
                column.model.update(freed).where(column == sid).execute()
        Application.delete().where(Application.sid == sid).execute()
