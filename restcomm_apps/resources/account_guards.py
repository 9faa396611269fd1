"""What a write requires of the caller's account and of the one it acts on, under their locks.

What was true when the request was authenticated may have changed while it waited.
"""

from restcomm_apps.audit import actor
from restcomm_apps.domain.vocabulary import ACTIVE, CLOSED
from restcomm_apps.errors import AccountClosed, AccountNotActive
from restcomm_apps.store.account_locks import keep_as_it_is
from restcomm_apps.store.database import locked
from restcomm_apps.store.models import Account


def keep_open(account: Account) -> None:
    """Keep an account from being closed until the commit, for what is to be created in it.

    Raises AccountNotActive (403) where the caller's own account no longer is as it was when the
    request was authenticated, AccountClosed (409) where a descendant of the caller's is closed.
    """
    _keep_caller_active(account)
    status = keep_as_it_is(account.sid)
    _require_unchanged(account, status)
    if status is None or status == CLOSED:
        raise AccountClosed()


def lock_account(account: Account) -> Account:
    """Read an account anew within a transaction that may change it.

    Raises AccountNotActive (403); see ``keep_open``. A closed descendant is returned.
    """
    _keep_caller_active(account)
    current = locked(Account.select().where(Account.sid == account.sid)).get()
    _require_unchanged(account, current.status)
    return current


def _require_unchanged(account: Account, status: str | None) -> None:
    """Raise AccountNotActive where the caller's own account is not as it was authenticated."""
    if account.sid == actor.current().effective_account_sid and status != account.status:
        raise AccountNotActive()


def _keep_caller_active(account: Account) -> None:
    """Raise AccountNotActive where the caller acts on another account and its own is not active."""
    caller_sid = actor.current().effective_account_sid
    if caller_sid not in (None, account.sid) and keep_as_it_is(caller_sid) != ACTIVE:
        raise AccountNotActive()
