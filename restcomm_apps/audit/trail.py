"""The audit trail: what is kept of each change, in the transaction that makes it.

Who acts comes from ``callers``, how entries hang together from ``chains``.
"""

import json
import logging
from functools import lru_cache
from typing import NamedTuple

import peewee

from restcomm_apps.domain.dates import utc_now
from restcomm_apps.store.database import database, locked
from restcomm_apps.store.service_models import Change, ChangeHead

from . import actor as callers
from . import chain as chains

log = logging.getLogger(__name__)

# What the setting AUDIT says.
AUTO, REQUIRED, OFF = "auto", "required", "off"

CREATE, UPDATE, REMOVE, RESTORE, CLOSE = "create", "update", "remove", "restore", "close"

MASK = "***"
_SECRET = {"auth_token", "password", "second_token"}
_MOST_BEGUN = 100_000
# It moves with every change, and the entry has a date of its own.
_UNTOLD = "date_updated"

_mode = OFF
# The databases whose tables were looked at, and of whose lack the log was told.
_looked_at = None
_has_tables = False
_warned_of = None


def keep(mode):
    """Keep changes from now on as the setting AUDIT says: AUTO, REQUIRED or OFF."""
    global _mode
    _mode = mode


def has_tables():
    """Tell whether the database has the tables of the trail; looked up once a process."""
    global _looked_at, _has_tables
    if _looked_at is not database.obj:
        wanted = {table._meta.table_name for table in (Change, ChangeHead)}
        _has_tables = wanted <= set(database.get_tables())
        _looked_at = database.obj
    return _has_tables


def are_kept():
    """Tell whether changes are kept; warn once where they would be if there were tables."""
    global _warned_of
    if _mode != AUTO:
        return _mode == REQUIRED
    if not has_tables() and _warned_of is not database.obj:
        log.warning('No audit trail is kept: "restcomm-apps init-db" makes its tables')
        _warned_of = database.obj
    return _has_tables


def record(action, before, after):
    """Add a change to the chain of its account, within the transaction that makes it.

    ``before`` is the row of an application or account, None if it is new; ``after`` is the row,
    or the columns that were set, as {name: value}, None if it is gone.
    """
    if not are_kept():
        return
    row = after if before is None else before
    account_sid = getattr(row, "account_sid", row.sid)
    statements = _statements(database.obj)
    length, last_hash = _lock_head(statements, account_sid)
    caller = callers.current()
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
    entry_hash = chains.hash_of(values)
    database.execute_sql(statements.add, (*values, entry_hash))
    database.execute_sql(statements.advance, (length + 1, entry_hash, account_sid))


class _Statements(NamedTuple):
    """The texts of what every change runs; writing them takes Peewee longer than running them.

    ``begun`` are accounts whose chain was there when it was last looked at.
    """

    find: str
    lock: str
    add: str
    advance: str
    begun: set


@lru_cache(maxsize=1)
def _statements(_made_for):
    of_account = ChangeHead.account_sid == ""
    columns = Change._meta.sorted_fields
    places = [peewee.Value("", converter=False) for _ in columns]
    find = ChangeHead.select(ChangeHead.length, ChangeHead.hash).where(of_account)
    add = Change.insert(dict(zip(columns, places)))
    advance = ChangeHead.update({ChangeHead.length: 0, ChangeHead.hash: ""}).where(of_account)
    texts = (query.sql()[0] for query in (find, locked(find.clone()), add, advance))
    return _Statements(*texts, begun=set())


def _lock_head(statements, account_sid):
    """Give the length and last hash of an account's chain, whose other writers now wait."""
    if account_sid not in statements.begun:
        _begin_chain(statements, account_sid)
    found = database.execute_sql(statements.lock, (account_sid,)).fetchall()
    if not found:  # what began it was undone, or an older state of the database is back
        _begin_chain(statements, account_sid)
        found = database.execute_sql(statements.lock, (account_sid,)).fetchall()
    return found[0]


def _begin_chain(statements, account_sid):
    # Looked at without a lock first: on MariaDB one of what is not there would keep all other
    # accounts from beginning their chains. Where a chain is known that is not done, as it would fix
    # the state that the transaction sees before it has waited for its turn.
    if not database.execute_sql(statements.find, (account_sid,)).fetchall():
        first = {"account_sid": account_sid, "length": 0, "hash": chains.FIRST}
        ChangeHead.insert(first).on_conflict_ignore().execute()
    if len(statements.begun) >= _MOST_BEGUN:
        statements.begun.clear()
    statements.begun.add(account_sid)


def _differences(row, before, after):
    """Give {name: [from, to]} of the columns that differ, as the database holds them."""
    before, after = _columns(before), _columns(after)
    differences = {}
    for name in before if after is None else after:
        store = _store_of(row, name)
        pair = [None if each is None else store(each.get(name)) for each in (before, after)]
        if pair[0] != pair[1] and name != _UNTOLD:
            differences[name] = [_masked(name, value) for value in pair]
    return differences


def _store_of(row, name):
    # What stands in a table of its own, such as the second token, is a text as it is.
    field = row._meta.fields.get(name)
    return field.db_value if field else lambda value: value


def _columns(row):
    if not isinstance(row, peewee.Model):
        return row
    return row.__data__ | {"second_token": getattr(row, "second_token", None)}


def _masked(name, value):
    return MASK if name in _SECRET and value is not None else value


def list_changes(account_sid=None, resource_sid=None, since=None, until=None):
    """Give the changes of an account, of one application, or all in the order of their time.

    Those of an account or application follow their sequence, whatever the clock said.
    ``since`` and ``until`` are texts as ``dates.utc_now`` gives them; ``until`` is outside.
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
) -> peewee.ModelSelect:
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
