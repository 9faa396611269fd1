"""An update of an account, and a closing with all that belongs to it, each in one transaction."""

from datetime import datetime

from peewee import chunked

from restcomm_apps.audit import trail
from restcomm_apps.domain.roles import ADMINISTRATOR
from restcomm_apps.domain.vocabulary import ACTIVE, CLOSED, UNINITIALIZED
from restcomm_apps.errors import AccountClosed, InvalidParameter, LastTopAccount
from restcomm_apps.resources import account_guards
from restcomm_apps.resources.applications.queries import remove_applications_of
from restcomm_apps.resources.parameters import Values
from restcomm_apps.store import account_locks
from restcomm_apps.store.database import transaction
from restcomm_apps.store.expressions import SIDS_AT_ONCE
from restcomm_apps.store.models import Account

from . import queries


def update_account(account: Account, values: Values, unbind: bool, now: datetime) -> Account:
    """Set the columns ``values`` of an account and return it; the status ``closed`` closes it.

    Closing takes all descendants along, sets nothing else and is final; of a closed account it
    changes nothing. ``unbind`` as in ``remove_application``. The first password of an
    uninitialized account makes it active. DateUpdated moves only when there is a column to set.
    Raises AccountNotActive (403) as ``account_guards.lock_account`` does, AccountClosed,
    LastTopAccount (409), InvalidParameter (400).
    """
    if values.get("status") != CLOSED:
        return _set(account, values, now)
    while True:
        try:
            return _close(account, account_locks.list_levels_below(account), unbind, now)
        except account_locks.TreeHasGrown:
            continue


@transaction
def _set(account: Account, values: Values, now: datetime) -> Account:
    current = account_guards.lock_account(account)
    if not values:
        return current
    if current.status == CLOSED:
        raise AccountClosed()
    _keep_a_top_account(current, values)
    columns = _initialize(current, values) | {"date_updated": now}
    if "auth_token" in values:  # a new password ends whatever opened the account before
        queries.drop_second_tokens([current.sid])
    Account.update(columns).where(Account.sid == current.sid).execute()
    trail.record(trail.UPDATE, current, columns)
    return Account.get_by_id(current.sid)


@transaction
def _close(account: Account, levels_below: list[list[str]], unbind: bool, now: datetime) -> Account:
    current = account_guards.lock_account(account)
    below = account_locks.lock_levels_below(current, levels_below)
    if current.status != CLOSED:
        _keep_a_top_account(current, {"status": CLOSED})
    _close_all([current, *below], unbind, now)
    return Account.get_by_id(current.sid)


def _initialize(account: Account, values: Values) -> Values:
    """Add the status that an account becomes with the first password of its own."""
    if account.status != UNINITIALIZED or "auth_token" not in values:
        return values
    if values["auth_token"] == account.auth_token:
        raise InvalidParameter("Password", "differ from the one the account came with")
    return {"status": ACTIVE} | values


def _keep_a_top_account(account: Account, values: Values) -> None:
    """Raise LastTopAccount (409) where nobody would be left to act on all others.

    That is an active account without a parent; an administrator, where there was one.
    """
    administrates = account.role == ADMINISTRATOR
    status, role = values.get("status", ACTIVE), values.get("role", ADMINISTRATOR)
    stays = status == ACTIVE and (role == ADMINISTRATOR or not administrates)
    if account.parent_sid is not None or account.status != ACTIVE or stays:
        return
    others = account_locks.lock_active_tops(besides=account)
    if not any(top.role == ADMINISTRATOR or not administrates for top in others):
        raise LastTopAccount()


def _close_all(accounts: list[Account], unbind: bool, now: datetime) -> None:
    """Close locked accounts, drop their second tokens, remove their applications.

    The applications of an account that is closed already are removed too.
    """
    for chunk in chunked(accounts, SIDS_AT_ONCE):
        remove_applications_of(chunk, unbind, now)
        sids = [account.sid for account in chunk]
        queries.drop_second_tokens(sids)
        closed = {"status": CLOSED, "date_updated": now}
        Account.update(closed).where(Account.sid << sids, Account.status != CLOSED).execute()
        for account in chunk:
            if account.status != CLOSED:
                trail.record(trail.CLOSE, account, closed)
