"""What changes an account: an update, and a closing with all that hangs on it, each in one
transaction.
"""

from peewee import chunked

from restcomm_apps.audit import trail as changes
from restcomm_apps.domain.roles import ADMINISTRATOR
from restcomm_apps.domain.vocabulary import ACTIVE, CLOSED, UNINITIALIZED
from restcomm_apps.errors import AccountClosed, InvalidParameter, LastTopAccount
from restcomm_apps.resources import account_guards
from restcomm_apps.resources.applications.queries import remove_applications_of
from restcomm_apps.store import account_locks
from restcomm_apps.store.database import transaction
from restcomm_apps.store.models import Account

from . import queries as account_queries

# Accounts closed by one statement: engines bound the number of parameters.
_CHUNK = 500


def update_account(account, values, unbind, now):
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
def _set(account, values, now):
    current = account_guards.lock_account(account)
    if not values:
        return current
    if current.status == CLOSED:
        raise AccountClosed()
    _keep_a_top_account(current, values)
    columns = _initialize(current, values) | {"date_updated": now}
    if "auth_token" in values:  # a new password ends whatever opened the account before
        account_queries.drop_second_tokens([current.sid])
    Account.update(columns).where(Account.sid == current.sid).execute()
    changes.record(changes.UPDATE, current, columns)
    return Account.get_by_id(current.sid)


@transaction
def _close(account, levels_below, unbind, now):
    current = account_guards.lock_account(account)
    below = account_locks.lock_levels_below(current, levels_below)
    if current.status != CLOSED:
        _keep_a_top_account(current, {"status": CLOSED})
    _close_all([current, *below], unbind, now)
    return Account.get_by_id(current.sid)


def _initialize(account, values):
    """Add what a password means for an account that had none of its own."""
    if account.status != UNINITIALIZED or "auth_token" not in values:
        return values
    if values["auth_token"] == account.auth_token:
        raise InvalidParameter("Password", "differ from the one the account came with")
    return {"status": ACTIVE} | values


def _keep_a_top_account(account, values):
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


def _close_all(accounts, unbind, now):
    """Close locked accounts, drop their second tokens, remove their applications.

    Of an account that is closed what may be left in it is removed.
    """
    for some in chunked(accounts, _CHUNK):
        for account in some:
            remove_applications_of(account, unbind, now)
        sids = [account.sid for account in some]
        account_queries.drop_second_tokens(sids)
        closed = {"status": CLOSED, "date_updated": now}
        Account.update(closed).where(Account.sid << sids, Account.status != CLOSED).execute()
        for account in some:
            if account.status != CLOSED:
                changes.record(changes.CLOSE, account, closed)
