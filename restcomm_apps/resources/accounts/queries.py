"""Every query on accounts and organizations.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import peewee

from restcomm_apps.audit import trail
from restcomm_apps.domain import sids
from restcomm_apps.domain.vocabulary import ACTIVE, API_VERSION, FIRST_ORGANIZATION
from restcomm_apps.errors import AccountExists, NotFound
from restcomm_apps.resources import account_guards
from restcomm_apps.store import account_locks
from restcomm_apps.store.database import read_alone, transaction
from restcomm_apps.store.expressions import SIDS_AT_ONCE, exactly
from restcomm_apps.store.models import Account, Organization
from restcomm_apps.store.prepared import Parameter, Statement, read_rows
from restcomm_apps.store.schema import has_own_table
from restcomm_apps.store.service_models import SecondToken


def find_account(sid_or_email: str) -> Account | None:
    """Find an account by its sid or its exact e-mail address, or return None."""
    select = _select_by_sid if sids.is_sid(sid_or_email) else _select_by_email_address
    return select.first(name=sid_or_email)


def find_caller(sid_or_email: str) -> Account | None:
    """Find an account with ``second_token``, the token that is to follow its first, or None.

    One query, which takes as long where it finds nothing, so that time does not show which accounts
    exist.
    """
    is_sid = sids.is_sid(sid_or_email)
    select = _select_caller_by_sid if is_sid else _select_caller_by_email_address
    account = select.first(name=sid_or_email)
    if account is None:
        _make_nobody()
    return account


@Statement
def _select_by_sid() -> "peewee.ModelSelect[Account]":
    return _select_named(Account.select(), Account.sid)


@Statement
def _select_by_email_address() -> "peewee.ModelSelect[Account]":
    return _select_named(Account.select(), Account.email_address)


@Statement
def _select_caller_by_sid() -> "peewee.ModelSelect[Account]":
    return _select_named(_select_callers(), Account.sid)


@Statement
def _select_caller_by_email_address() -> "peewee.ModelSelect[Account]":
    return _select_named(_select_callers(), Account.email_address)


def _select_callers() -> "peewee.ModelSelect[Account]":
    columns = Account.present_fields().values()
    if not has_own_table(SecondToken):
        return Account.select(*columns, peewee.SQL("NULL").alias("second_token"))
    return Account.select(*columns, SecondToken.token.alias("second_token")).join(
        SecondToken, peewee.JOIN.LEFT_OUTER, on=SecondToken.account_sid == Account.sid
    )


def _select_named(
    accounts: "peewee.ModelSelect[Account]", column: peewee.Field
) -> "peewee.ModelSelect[Account]":
    return accounts.where(exactly(column, Parameter("name"))).order_by(Account.sid).limit(1)


def _make_nobody() -> None:
    """Take as long as making an account of the row that was found."""
    Account(__no_default__=True).__data__.update(dict.fromkeys(Account._meta.fields, ""))


def drop_second_tokens(account_sids: list[str]) -> None:
    """Drop the second tokens of some accounts, where there are any."""
    if has_own_table(SecondToken):
        SecondToken.delete().where(SecondToken.account_sid.in_(account_sids)).execute()


def read_any_account() -> None:
    """Read what every request begins with, whoever calls; fails as they would."""
    read_alone(Account.select(Account.sid).limit(1))


@transaction
def add_account(
    email_address: str,
    auth_token: str,
    now: datetime,
    *,
    friendly_name: str,
    parent: Account | None,
    role: str,
    status: str = ACTIVE,
) -> Account:
    """Add an account, below ``parent`` or at the top, and return it.

    An address that differs only in case is taken too. Raises AccountExists (409), and
    AccountNotActive (403), AccountClosed (409) for the parent.
    """
    if parent is not None:
        account_guards.keep_open(parent)
    sid = sids.account_sid_of(email_address)
    account = _insert(
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
    trail.record(trail.CREATE, None, account)
    return account


def _insert(**columns: Any) -> Account:
    same_address = peewee.fn.LOWER(Account.email_address) == columns["email_address"].lower()
    if Account.select().where(same_address | (Account.sid == columns["sid"])).exists():
        raise AccountExists()
    try:
        return Account.create(**columns)
    except peewee.IntegrityError as error:  # Added since.
        raise AccountExists() from error


def is_ancestor(ancestor: Account, account: Account) -> bool:
    """Return whether an account is the other's parent, or its parent's, and so on."""
    return ancestor.sid in _go_up(account)


def list_ancestor_sids(account: Account) -> list[str]:
    """List the sids of an account's parent, of its parent's, and so on up to the top."""
    return list(_go_up(account))


def _go_up(account: Account) -> Iterator[str]:
    """Yield the sids of all ancestors, from the parent on; a ring ends where it began."""
    seen: set[str] = set()
    parent_sid = account.parent_sid
    while parent_sid is not None and parent_sid not in seen:
        yield parent_sid
        seen.add(parent_sid)
        parent = Account.select(Account.parent_sid).where(Account.sid == parent_sid).first()
        parent_sid = parent and parent.parent_sid


def select_children(account: Account) -> "peewee.ModelSelect[Account]":
    """Select an account's direct sub-accounts, in no order."""
    return Account.select().where(Account.parent_sid == account.sid)


def list_tree(account: Account) -> list[str]:
    """List the sids of an account and of all below it, in order."""
    levels = account_locks.list_levels_below(account)
    return sorted([account.sid, *itertools.chain.from_iterable(levels)])


def narrow(
    account_sids: list[str], organization_sid: str | None, domain_name: str | None
) -> list[str]:
    """List those of some accounts that belong to the organization of a sid and of a domain.

    Raises NotFound (404) for a domain that is none of theirs, whether another organization has it
    or none.
    """
    wanted: set[str | None] = set() if organization_sid is None else {organization_sid}
    if domain_name is not None:
        wanted.add(_find_organization_sid(domain_name))
    # No account belongs to two organizations, nor to that of a domain of nobody.
    (wanted_sid,) = wanted if len(wanted) == 1 else (None,)
    found = [] if wanted_sid is None else _of_organization(account_sids, wanted_sid)
    if domain_name is not None and not found:
        raise NotFound()
    return found


def _of_organization(account_sids: list[str], organization_sid: str) -> list[str]:
    # An older Restcomm's accounts have none.
    if "organization_sid" not in Account.present_fields():
        return []
    found: list[str] = []
    for chunk in peewee.chunked(account_sids, SIDS_AT_ONCE):
        query = Account.select(Account.sid, Account.organization_sid).where(Account.sid << chunk)
        # Compared here: no collation takes another sid for it, or cannot compare at all.
        found += [row.sid for row in read_rows(query) if row.organization_sid == organization_sid]
    return sorted(found)


def _find_organization_sid(domain_name: str) -> str | None:
    if "organization_sid" not in Account.present_fields():
        return None
    organization = Organization.get_or_none(exactly(Organization.domain_name, domain_name))
    return None if organization is None else organization.sid
