"""The queries that list applications; each starts from an account and reads along an index.

A list goes on after a place: the values of a row in the columns of the order. That is exact while
others create and remove, and costs the same anywhere in the list.
"""

from collections import defaultdict
from functools import cache, reduce
from operator import or_

import peewee

from .database import is_mysql
from .errors import InvalidParameter
from .fields import begins_with, exactly
from .models import Account, Application, IncomingPhoneNumber
from .paging import Page, Selection
from .statements import Parameter, Statement, read_rows

# Rows that are read at once.
BATCH = 1000

# The columns of each order; the last makes it total. Each has its index in ``models``.
_ORDERS = {
    "date_created": (Application.date_created, Application.sid),
    "date_updated": (Application.date_updated, Application.sid),
    "friendly_name": (Application.friendly_name, Application.date_created, Application.sid),
}


def list_batches(account, selection):
    """Yield all of an account's selected applications, in order, in lists of at most BATCH.

    The first list may be empty, no other is.
    """
    rows = _read_first(account, selection)
    yield _with_numbers(account, selection, rows)
    while len(rows) == BATCH:
        rows = _read_after(account, selection, _place_of(rows[-1], selection), BATCH)
        if rows:
            yield _with_numbers(account, selection, rows)


def _read_first(account, selection):
    named = selection.friendly_name is not None or selection.beginning
    if named or selection.with_numbers:
        return list(_in_order(account, selection).limit(BATCH))
    kind = None if selection.kind is None else Parameter("kind")
    statement = _statement_of(selection.sort_by, selection.descending, kind)
    return statement.rows(account_sid=account.sid, kind=selection.kind)


@cache
def _statement_of(sort_by, descending, kind):
    selection = Selection(sort_by=sort_by, descending=descending, kind=kind)
    any_account = Account(sid=Parameter("account_sid"))
    return Statement(lambda: _in_order(any_account, selection).limit(BATCH))


def list_page(account, selection):
    """Read one page of an account's selected applications.

    Raises InvalidParameter (400) where the page begins after what the account does not have.
    """
    place = _find_place(account, selection)
    wanted = selection.page_size + 1  # One more tells whether others follow.
    if place is None:
        query = _in_order(account, selection)
        rows = list(query.limit(wanted).offset(selection.page * selection.page_size))
    else:
        rows = _read_after(account, selection, place, wanted)
    total = _select(account, selection).count()
    start = selection.page_size * (selection.page or 0)
    if place is not None:
        start = total - sum(part.count() for part in _after(account, selection, place))
    shown = rows[: selection.page_size]
    following = _place_of(shown[-1], selection) if len(rows) > len(shown) else None
    listed = _with_numbers(account, selection, shown)
    return Page(listed, start, total, _as_link(following), _as_link(place))


def _as_link(place):
    return place and (place[-1], place[:-1])


def _order(selection):
    """List the columns of an order; of one name only the dates remain to sort by."""
    named = selection.friendly_name is not None and selection.sort_by == "friendly_name"
    return _ORDERS["date_created" if named else selection.sort_by]


def _select(account, selection):
    query = Application.select().where(exactly(Application.account_sid, account.sid))
    if is_mysql():
        # What follows a sid would be read from all accounts by key, where that seems to be little.
        hint = peewee.SQL("IGNORE INDEX (PRIMARY)")
        query = query.from_(peewee.NodeList((Application, hint)))
    if selection.friendly_name is not None:
        query = query.where(exactly(Application.friendly_name, selection.friendly_name))
    if selection.beginning:
        query = query.where(begins_with(Application.friendly_name, selection.beginning))
    if selection.kind is not None:
        query = query.where(Application.kind == selection.kind)
    return query


def _in_order(account, selection, shared=0):
    """Select in order, where the first ``shared`` columns of it hold the same in all rows."""
    columns = _order(selection)[shared:]
    if selection.descending:
        columns = [column.desc() for column in columns]
    return _select(account, selection).order_by(*columns)


def _find_place(account, selection):
    """Give the place that a page begins after, or None."""
    if selection.after_sid is None:
        return None
    *columns, sid = _order(selection)
    if len(selection.after_key) == len(columns):
        return (*selection.after_key, selection.after_sid)
    own = exactly(Application.account_sid, account.sid) & exactly(sid, selection.after_sid)
    row = Application.get_or_none(own)
    if row is None:
        raise InvalidParameter("AfterSid", "name an application of the account")
    return _place_of(row, selection)


def _place_of(row, selection):
    return tuple(str(getattr(row, column.name)) for column in _order(selection))


def _read_after(account, selection, place, limit):
    rows = []
    for part in _after(account, selection, place):
        if len(rows) < limit:
            part = part.limit(limit - len(rows))
            # Numbers are added to models only.
            rows.extend(part if selection.with_numbers else read_rows(part))
    return rows


def _after(account, selection, place):
    """List the queries that together give what follows a place, in order.

    First the rows that share all but the last column with it, then all but the last two, and so
    on: each is one range of the order's index, which one condition on all columns would not be.
    """
    columns = _order(selection)
    parts = []
    for depth in reversed(range(len(columns))):
        conditions = [columns[n] == place[n] for n in range(depth)]
        column, value = columns[depth], place[depth]
        conditions.append(column < value if selection.descending else column > value)
        parts.append(_in_order(account, selection, depth).where(*conditions))
    return parts


def _with_numbers(account, selection, applications):
    """Give applications ``numbers`` if they are asked for: each a list of numbers, or None."""
    if not selection.with_numbers:
        return applications
    numbers = defaultdict(list)
    for number in _select_numbers(account, [each.sid for each in applications]):
        for application_sid in dict.fromkeys(number.application_sids()):
            numbers[application_sid].append(number)
    for application in applications:
        application.numbers = numbers.get(application.sid)
    return applications


def _select_numbers(account, application_sids):
    """Select the account's numbers of some applications, by sid: only what a reply shows."""
    columns = IncomingPhoneNumber.application_columns()
    shown = (
        IncomingPhoneNumber.sid,
        IncomingPhoneNumber.friendly_name,
        IncomingPhoneNumber.phone_number,
        *columns,
    )
    bound = reduce(or_, (column.in_(application_sids) for column in columns))
    return (
        IncomingPhoneNumber.select(*shown)
        .where(exactly(IncomingPhoneNumber.account_sid, account.sid), bound)
        .order_by(IncomingPhoneNumber.sid)
    )
