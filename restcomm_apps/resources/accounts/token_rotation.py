"""The rotation of an account's auth token: a second token, valid beside the first, that takes its
place or goes; each step in one transaction.
"""

from collections.abc import Callable
from datetime import datetime

from restcomm_apps.audit import trail
from restcomm_apps.domain import tokens
from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.errors import AccountClosed, NotProvided, TokenConflict
from restcomm_apps.resources import account_guards
from restcomm_apps.store.database import transaction
from restcomm_apps.store.models import Account
from restcomm_apps.store.schema import has_own_table
from restcomm_apps.store.service_models import SecondToken


@transaction
def rotate_token(account: Account, now: datetime) -> Account:
    """Give an account a second token and return the account with it as ``new_token``.

    Raises TokenConflict (409) where it has one: clients may be using it. Raises AccountClosed
    (409), AccountNotActive (403), NotProvided (501).
    """
    current, second = _read(account)
    if second is not None:
        raise TokenConflict("The account has a second token; promote or cancel it first")
    current.new_token = tokens.new_token()
    SecondToken.create(account_sid=current.sid, token=current.new_token, date_created=now)
    _record_second_token(current, None, current.new_token)
    return current


@transaction
def promote_token(account: Account, now: datetime) -> Account:
    """Put an account's second token in the place of the first and return the account.

    Raises TokenConflict (409) where it has none, AccountClosed (409), AccountNotActive (403),
    NotProvided (501).
    """
    current, second = _read_both(account)
    promoted = {"auth_token": second.token, "date_updated": now}
    Account.update(promoted).where(Account.sid == current.sid).execute()
    second.delete_instance()
    trail.record(trail.UPDATE, current, promoted)
    return Account.get_by_id(current.sid)


@transaction
def cancel_token(account: Account, now: datetime) -> Account:
    """Drop an account's second token and return the account; see ``promote_token``."""
    current, second = _read_both(account)
    second.delete_instance()
    _record_second_token(current, second.token, None)
    return current


# The steps of a rotation, by the words of ``forms`` and of the command line.
STEPS: dict[str, Callable[[Account, datetime], Account]] = {
    "rotate": rotate_token,
    "promote": promote_token,
    "cancel": cancel_token,
}


def _read(account: Account) -> tuple[Account, SecondToken | None]:
    """Read an account and its second token or None, within a transaction."""
    if not has_own_table(SecondToken):
        raise NotProvided("A second token")
    current = account_guards.lock_account(account)
    if current.status == CLOSED:
        raise AccountClosed()
    return current, SecondToken.get_or_none(SecondToken.account_sid == current.sid)


def _record_second_token(account: Account, before: str | None, after: str | None) -> None:
    account.second_token = before
    trail.record(trail.UPDATE, account, {"second_token": after})


def _read_both(account: Account) -> tuple[Account, SecondToken]:
    current, second = _read(account)
    if second is None:
        raise TokenConflict("The account has no second token")
    return current, second
