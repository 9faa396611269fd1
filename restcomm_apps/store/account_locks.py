"""The locks on accounts, and the order in which they are taken.

A transaction locks accounts before anything else, an ancestor before its descendants: first the
caller's, then the operated one, then those below it. What creates something in an account shares
the lock on it with others that do; what closes it waits for them, and they wait for the closing.
SQLite's transactions exclude each other anyway and only look.
"""

from collections.abc import Iterator

import peewee

from restcomm_apps.domain.vocabulary import ACTIVE

from .database import is_mysql, locked
from .expressions import SIDS_AT_ONCE
from .models import Account
from .prepared import Parameter, Statement, read_rows


class TreeHasGrown(Exception):
    """An account was added below while those there were being locked."""


def keep_as_it_is(account_sid: str) -> str | None:
    """Keep an account as it is until the commit and return its status; None if it is not there."""
    account = _select_to_keep.first(sid=account_sid)
    return None if account is None else account.status


def list_levels_below(account: Account) -> list[list[str]]:
    """List the sids of all accounts below an account, whatever their status, level by level."""
    seen, levels = {account.sid}, [[account.sid]]
    while levels[-1]:
        below: dict[str, None] = {}
        for parents in peewee.chunked(levels[-1], SIDS_AT_ONCE):
            children = Account.select(Account.sid).where(Account.parent_sid << parents)
            below |= dict.fromkeys(row.sid for row in read_rows(children) if row.sid not in seen)
        seen |= below.keys()
        levels.append(list(below))
    return levels[1:-1]


def lock_levels_below(account: Account, levels: list[list[str]]) -> list[Account]:
    """Read the accounts below a locked one anew; ``levels`` is what ``list_levels_below`` found.

    The levels have to be listed before the transaction begins: they are locked by key, as a search
    for children that locks would lock the accounts of everybody on MariaDB. Raises TreeHasGrown
    where an account has been added since.
    """
    accounts: list[Account] = []
    for level in levels:
        for some in peewee.chunked(level, SIDS_AT_ONCE):
            again = Account.select().where(Account.sid << some).order_by(Account.sid)
            accounts.extend(locked(again))
    # On MariaDB the transaction's first read without a lock. Nothing can be added any more.
    now_there = {sid for level in list_levels_below(account) for sid in level}
    if not now_there <= {account.sid for account in accounts}:
        raise TreeHasGrown()
    return accounts


def lock_active_tops(besides: Account) -> Iterator[Account]:
    """Yield the active accounts without a parent but for one, each locked when it is reached."""
    is_top = Account.parent_sid.is_null() & (Account.status == ACTIVE)
    others = Account.select(Account.sid).where(is_top, Account.sid != besides.sid)
    for row in read_rows(others.order_by(Account.sid)):
        top: Account | None = locked(Account.select().where(Account.sid == row.sid, is_top)).first()
        if top is not None:
            yield top


@Statement
def _select_to_keep() -> "peewee.ModelSelect[Account]":
    found = Account.select(Account.status).where(Account.sid == Parameter("sid"))
    if not is_mysql():
        return found
    # The words that MariaDB and every MySQL know; Peewee's stubs know of none.
    return found.for_update("LOCK IN SHARE MODE")  # type: ignore[arg-type]
