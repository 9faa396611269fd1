"""The locks on accounts, and the order in which they are taken.

A transaction locks accounts before anything else, an ancestor before its descendants: first the
caller's, then the operated one, then those below it. What creates something in an account shares
the lock on it with others that do; what closes it waits for them, and they wait for the closing.
SQLite's transactions exclude each other anyway and only look.
"""

import peewee

from restcomm_apps.domain.vocabulary import ACTIVE
from restcomm_apps.store.database import is_mysql, locked
from restcomm_apps.store.expressions import SIDS_AT_ONCE
from restcomm_apps.store.models import Account
from restcomm_apps.store.prepared import Parameter, Statement


class TreeHasGrown(Exception):
    """An account was added below while those there were being locked."""


def keep_as_it_is(account_sid: str) -> str | None:
    """Keep an account as it is until the commit and return its status; None if it is not there."""
    row = _select_to_keep.first_row(sid=account_sid)
    return row and row.status


def list_levels_below(account: Account) -> list[list[str]]:
    """List the sids of all accounts below an account, whatever their status, level by level."""
    seen, levels = {account.sid}, [[account.sid]]
    while levels[-1]:
        below = {}
        for parents in peewee.chunked(levels[-1], SIDS_AT_ONCE):
            children = Account.select(Account.sid).where(Account.parent_sid << parents).tuples()
            below |= dict.fromkeys(sid for (sid,) in children if sid not in seen)
        seen |= below.keys()
        levels.append(list(below))
    return levels[1:-1]


def lock_levels_below(account: Account, levels: list[list[str]]) -> list[Account]:
    """Read the accounts below a locked one anew; ``levels`` is what ``list_levels_below`` found.

    The levels have to be listed before the transaction begins: they are locked by key, as a search
    for children that locks would lock the accounts of everybody on MariaDB. Raises TreeHasGrown
    where an account has been added since.
    """
    accounts = []
    for level in levels:
        for some in peewee.chunked(level, SIDS_AT_ONCE):
            again = Account.select().where(Account.sid << some).order_by(Account.sid)
            accounts.extend(locked(again))
    # On MariaDB the transaction's first read without a lock. Nothing can be added any more.
    now_there = {sid for level in list_levels_below(account) for sid in level}
    if not now_there <= {each.sid for each in accounts}:
        raise TreeHasGrown()
    return accounts


def lock_active_tops(besides: Account):
    """Yield the active accounts without a parent but for one, each locked when it is reached."""
    is_top = Account.parent_sid.is_null() & (Account.status == ACTIVE)
    others = Account.select(Account.sid).where(is_top, Account.sid != besides.sid)
    for (sid,) in list(others.order_by(Account.sid).tuples()):
        top = locked(Account.select().where(Account.sid == sid, is_top)).first()
        if top is not None:
            yield top


@Statement
def _select_to_keep():
    found = Account.select(Account.status).where(Account.sid == Parameter("sid"))
    # The words that MariaDB and every MySQL know.
    return found.for_update("LOCK IN SHARE MODE") if is_mysql() else found
