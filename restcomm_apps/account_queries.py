"""Every query on accounts and organizations.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

from . import changes, sids
from .database import transaction
from .errors import NotFound
from .fields import exactly
from .models import ACTIVE, FIRST_ORGANIZATION, Account, Organization
from .properties import API_VERSION


class AccountExists(Exception):
    """The e-mail address has an account already."""


def find_account(sid_or_email):
    """Find an account by its sid or its exact e-mail address, or return None."""
    column = Account.sid if sids.is_sid(sid_or_email) else Account.email_address
    return Account.select().where(exactly(column, sid_or_email)).order_by(Account.sid).first()


@transaction
def add_account(email_address, auth_token, now, *, friendly_name, parent, role):
    """Add an active account, below ``parent`` or at the top, and return it.

    Raises AccountExists.
    """
    sid = sids.account_sid_of(email_address)
    taken = exactly(Account.email_address, email_address) | (Account.sid == sid)
    if Account.select().where(taken).exists():
        raise AccountExists(email_address)
    account = Account.create(
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
    changes.record(changes.CREATE, None, account)
    return account


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
        organization = Organization.get_or_none(exactly(Organization.domain_name, domain_name))
        if organization is None:
            raise NotFound()
        organization_sid = organization.sid
    found = Account.select().where(Account.organization_sid == organization_sid)
    return list(found.order_by(Account.sid))
