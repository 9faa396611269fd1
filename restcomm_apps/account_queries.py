"""Every query on accounts and organizations.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

import peewee

from . import account_locks, changes, sids
from .database import read_alone, transaction
from .errors import AccountExists, NotFound
from .fields import exactly
from .models import ACTIVE, FIRST_ORGANIZATION, Account, Organization
from .own_models import SecondToken
from .properties import API_VERSION
from .schema import has_own_table
from .statements import Parameter, Statement

# Accounts looked up by one statement: engines bound the number of parameters.
_CHUNK = 500


def find_account(sid_or_email):
    """Find an account by its sid or its exact e-mail address, or return None."""
    select = _select_by_sid if sids.is_sid(sid_or_email) else _select_by_email_address
    return select.first(name=sid_or_email)


def find_caller(sid_or_email):
    """Find an account with ``second_token``, the token that is to follow its first, or None.

    One query, whatever there is to find; takes as long for an unknown one, so that time does not
    tell which accounts exist.
    """
    if not has_own_table(SecondToken):
        account = find_account(sid_or_email) or _make_nobody()
        if account is not None:
            account.second_token = None
        return account
    is_sid = sids.is_sid(sid_or_email)
    select = _select_caller_by_sid if is_sid else _select_caller_by_email_address
    return select.first(name=sid_or_email) or _make_nobody()


@Statement
def _select_by_sid():
    return _select_named(Account.select(), Account.sid)


@Statement
def _select_by_email_address():
    return _select_named(Account.select(), Account.email_address)


@Statement
def _select_caller_by_sid():
    return _select_named(_select_callers(), Account.sid)


@Statement
def _select_caller_by_email_address():
    return _select_named(_select_callers(), Account.email_address)


def _select_callers():
    return Account.select(Account, SecondToken.token.alias("second_token")).join(
        SecondToken, peewee.JOIN.LEFT_OUTER, on=SecondToken.account_sid == Account.sid
    )


def _select_named(accounts, column):
    return accounts.where(exactly(column, Parameter("name"))).order_by(Account.sid).limit(1)


def _make_nobody():
    """Do what a row costs that is found, and return None."""
    Account(__no_default__=True).__data__.update(dict.fromkeys(Account._meta.fields, ""))
    return None


def drop_second_tokens(account_sids):
    """Drop the second tokens of some accounts, where there are any."""
    if has_own_table(SecondToken):
        SecondToken.delete().where(SecondToken.account_sid.in_(account_sids)).execute()


def read_any_account():
    """Read what every request begins with, whoever calls; fails as they would."""
    read_alone(Account.select(Account.sid).limit(1))


@transaction
def add_account(email_address, auth_token, now, *, friendly_name, parent, role, status=ACTIVE):
    """Add an account, below ``parent`` or at the top, and return it.

    An address that differs only in case is taken too. Raises AccountExists (409), and
    AccountNotActive (403), AccountClosed (409) for the parent.
    """
    sid = sids.account_sid_of(email_address)
    same_address = peewee.fn.LOWER(Account.email_address) == email_address.lower()
    if parent is not None:
        account_locks.keep_open(parent)
    if Account.select().where(same_address | (Account.sid == sid)).exists():
        raise AccountExists()
    try:
        account = Account.create(
            sid=sid,
            date_created=now,
            date_updated=now,
            email_address=email_address,
            friendly_name=friendly_name,
            parent_sid=parent and parent.sid,
            type="Full",
            status=status,
            auth_token=auth_token,
            role=role,
            uri=f"/{API_VERSION}/Accounts/{sid}",
            organization_sid=parent.organization_sid if parent else FIRST_ORGANIZATION[0],
        )
    except peewee.IntegrityError as error:  # added since we looked
        raise AccountExists() from error
    changes.record(changes.CREATE, None, account)
    return account


def is_ancestor(ancestor, account):
    """Tell whether an account is the other's parent, or its parent's, and so on."""
    return ancestor.sid in _go_up(account)


def list_ancestor_sids(account: Account) -> list[str]:
    """List the sids of an account's parent, of its parent's, and so on up to the top."""
    return list(_go_up(account))


def _go_up(account):
    """Yield the sids of all ancestors, from the parent on; a ring ends where it began."""
    seen = set()
    parent_sid = account.parent_sid
    while parent_sid is not None and parent_sid not in seen:
        yield parent_sid
        seen.add(parent_sid)
        parent = Account.select(Account.parent_sid).where(Account.sid == parent_sid).first()
        parent_sid = parent and parent.parent_sid


def list_children(account):
    """List an account's direct sub-accounts, by sid."""
    return list(Account.select().where(Account.parent_sid == account.sid).order_by(Account.sid))


def list_tree(account: Account) -> list[Account]:
    """List an account and all below it, by sid."""
    below = [sid for level in account_locks.list_levels_below(account) for sid in level]
    accounts = [account]
    for some in peewee.chunked(below, _CHUNK):
        accounts.extend(Account.select().where(Account.sid << some))
    return sorted(accounts, key=lambda each: each.sid)


def narrow(
    accounts: list[Account], organization_sid: str | None, domain_name: str | None
) -> list[Account]:
    """List those of some accounts that belong to the organization of a sid and of a domain.

    Without either they all do. Raises NotFound (404) for a domain that is none of theirs, whether
    another organization has it or none.
    """
    if organization_sid is not None:
        accounts = [each for each in accounts if _organization_of(each) == organization_sid]
    if domain_name is None:
        return accounts
    its_sid = _find_organization_sid(domain_name)
    found = [each for each in accounts if _organization_of(each) == its_sid]
    if its_sid is None or not found:
        raise NotFound()
    return found


def _organization_of(account):
    # An older Restcomm's accounts have none.
    return getattr(account, "organization_sid", None)


def _find_organization_sid(domain_name):
    if "organization_sid" not in Account._meta.fields:
        return None
    organization = Organization.get_or_none(exactly(Organization.domain_name, domain_name))
    return organization and organization.sid
