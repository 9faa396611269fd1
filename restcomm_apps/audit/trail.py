"""The audit trail: what is kept of each change, in the transaction that makes it.

A change is an entry of the trail. Who acts comes from ``actor``, how entries hang together from
``chain``.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import peewee

from restcomm_apps.domain.dates import utc_now
from restcomm_apps.store.database import PerStore, current_store, locked
from restcomm_apps.store.models import Account, Application
from restcomm_apps.store.schema import has_own_table
from restcomm_apps.store.service_models import Change, ChangeHead

from . import actor, chain

log = logging.getLogger(__name__)

# What the setting AUDIT says.
AUTO, REQUIRED, OFF = "auto", "required", "off"

CREATE, UPDATE, REMOVE, RESTORE, CLOSE = "create", "update", "remove", "restore", "close"

MASK = "***"
_SECRET = {"auth_token", "password", "second_token"}
_MOST_BEGUN = 100_000
# It moves with every change, and the change has a date of its own.
_UNTOLD = "date_updated"

Resource: TypeAlias = Account | Application
Columns: TypeAlias = Mapping[str, Any]


class _Trail:
    """What is known of a store's trail.

    ``begun`` are accounts whose chain was there when it was last looked at.
    """

    def __init__(self) -> None:
        self.database = current_store().database
        self.mode = OFF
        self.has_warned = False
        self.begun: set[str] = set()

    @cached_property
    def has_tables(self) -> bool:
        """Whether there are the tables of the trail; see ``Store.tables``."""
        return has_own_table(Change) and has_own_table(ChangeHead)

    def is_kept(self) -> bool:
        """Return whether changes are kept; see ``are_kept``."""
        if self.mode != AUTO:
            return self.mode == REQUIRED
        if not self.has_tables and not self.has_warned:
            log.warning('No audit trail is kept: "restcomm-apps init-db" makes its tables')
            self.has_warned = True
        return self.has_tables

    @cached_property
    def statements(self) -> "_Statements":
        """The texts of what every change runs."""
        return _make_statements()


_trail = PerStore(_Trail)


def keep(mode: str) -> None:
    """Keep the store's changes from now on as the setting AUDIT says: AUTO, REQUIRED or OFF."""
    _trail.get().mode = mode


def has_tables() -> bool:
    """Return whether the database has the tables of the trail; see ``Store.tables``."""
    return _trail.get().has_tables


def are_kept() -> bool:
    """Return whether changes are kept; warn once where they would be if there were tables."""
    return _trail.get().is_kept()


def record(action: str, before: Resource | None, after: Resource | Columns | None) -> None:
    """Add a change to the chain of its account, within the transaction that makes it.

    ``before`` is the row of an application or account, None if it is new; ``after`` is the row,
    or the columns that were set, as {name: value}, None if it is gone.
    """
    trail = _trail.get()
    if not trail.is_kept():
        return
    row = after if before is None else before
    assert isinstance(row, Account | Application)
    account_sid = row.sid if isinstance(row, Account) else row.account_sid
    length, last_hash = _lock_head(trail, account_sid)
    caller = actor.current()
    values = (
        account_sid,
        length + 1,
        utc_now(),
        action,
        row.sid,
        caller.effective_account_sid,
        caller.address,
        caller.operator,
        caller.request_id,
        json.dumps(_differences(row, before, after), default=str),
        last_hash,
    )
    entry_hash = chain.hash_of(values)
    trail.database.execute_sql(trail.statements.add, (*values, entry_hash))
    advanced = (length + 1, entry_hash, account_sid)
    trail.database.execute_sql(trail.statements.advance, advanced)


class _Statements(NamedTuple):
    """The texts of what every change runs, kept as ``store/prepared.py`` keeps those of others."""

    find: str
    lock: str
    add: str
    advance: str


def _make_statements() -> _Statements:
    of_account = ChangeHead.account_sid == ""
    columns = Change._meta.sorted_fields
    places = [peewee.Value("", converter=False) for _ in columns]
    find = ChangeHead.select(ChangeHead.length, ChangeHead.hash).where(of_account)
    add = Change.insert(dict(zip(columns, places)))
    advance = ChangeHead.update({ChangeHead.length: 0, ChangeHead.hash: ""}).where(of_account)
    return _Statements(find.sql()[0], locked(find).sql()[0], add.sql()[0], advance.sql()[0])


def _lock_head(trail: _Trail, account_sid: str) -> tuple[int, str]:
    """Return the length and last hash of an account's chain, whose other writers now wait."""
    lock = trail.statements.lock
    if account_sid not in trail.begun:
        _begin_chain(trail, account_sid)
    found = trail.database.execute_sql(lock, (account_sid,)).fetchall()
    if not found:  # what began it was undone, or an older state of the database is back
        _begin_chain(trail, account_sid)
        found = trail.database.execute_sql(lock, (account_sid,)).fetchall()
    length, last_hash = found[0]
    return length, last_hash


def _begin_chain(trail: _Trail, account_sid: str) -> None:
    # Looked at without a lock first: on MariaDB one of what is not there would keep all other
    # accounts from beginning their chains. Where a chain is known that is not done, as it would fix
    # the state that the transaction sees before it has waited for its turn.
    if not trail.database.execute_sql(trail.statements.find, (account_sid,)).fetchall():
        first = {"account_sid": account_sid, "length": 0, "hash": chain.FIRST}
        ChangeHead.insert(first).on_conflict_ignore().execute()
    if len(trail.begun) >= _MOST_BEGUN:
        trail.begun.clear()
    trail.begun.add(account_sid)


def _differences(
    row: Resource, before: Resource | None, after: Resource | Columns | None
) -> dict[str, list[Any]]:
    """Return {name: [from, to]} of the columns that differ, as the database holds them."""
    was, became = _columns(before), _columns(after)
    differences = {}
    for name in (was if became is None else became) or ():
        if name == _UNTOLD:
            continue
        as_stored = _converter_of(row, name)
        pair = [None if side is None else as_stored(side.get(name)) for side in (was, became)]
        if pair[0] != pair[1]:
            differences[name] = [_masked(name, value) for value in pair]
    return differences


def _converter_of(row: Resource, name: str) -> Callable[[Any], Any]:
    # What stands in a table of its own, such as the second token, is a text as it is.
    field = row._meta.fields.get(name)
    return field.db_value if field else lambda value: value


def _columns(row: Resource | Columns | None) -> Columns | None:
    if not isinstance(row, Account | Application):
        return row
    columns: dict[str, Any] = row.__data__
    return columns | {"second_token": getattr(row, "second_token", None)}


def _masked(name: str, value: Any) -> Any:
    return MASK if name in _SECRET and value is not None else value


def list_changes(
    account_sid: str | None = None,
    resource_sid: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Iterator[Change]:
    """Yield the changes of an account, of one application, or all in the order of their time.

    Those of an account or application follow their sequence, whatever the clock said.
    ``since`` and ``until`` are texts as ``dates.utc_now`` returns; ``until`` is outside.
    """
    by_sequence = (Change.account_sid, Change.sequence)
    is_one = account_sid is not None or resource_sid is not None
    query = select_changes(account_sid, resource_sid, since, until)
    return query.order_by(*by_sequence if is_one else (Change.changed_at, *by_sequence)).iterator()


def select_changes(
    account_sid: str | None = None,
    resource_sid: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> "peewee.ModelSelect[Change]":
    """Select changes in no order; see ``list_changes``."""
    conditions = (
        (Change.account_sid, peewee.OP.EQ, account_sid),
        (Change.resource_sid, peewee.OP.EQ, resource_sid),
        (Change.changed_at, peewee.OP.GTE, since),
        (Change.changed_at, peewee.OP.LT, until),
    )
    chosen = [
        peewee.Expression(column, operator, value)
        for column, operator, value in conditions
        if value is not None
    ]
    return Change.select().where(*chosen) if chosen else Change.select()
