"""The lists of applications; each starts from an account and reads along an index."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial, reduce
from operator import or_

import peewee

from restcomm_apps.errors import InvalidParameter
from restcomm_apps.resources import listings
from restcomm_apps.resources.listings import Batch, Listing, Row, Values
from restcomm_apps.resources.selection import Part, Selection
from restcomm_apps.store.database import is_mysql
from restcomm_apps.store.expressions import begins_with, exactly
from restcomm_apps.store.models import Account, Application, IncomingPhoneNumber
from restcomm_apps.store.prepared import Parameter, Statement, read_rows

# Numbers that are held at once, unless one application has more.
MOST_NUMBERS = 5000

# The columns of each order, by what a Selection sorts by; the last makes it total. Each has its
# index in ``models``.
_ORDERS = {
    "date_created": (Application.date_created, Application.sid),
    "date_updated": (Application.date_updated, Application.sid),
    "friendly_name": (Application.friendly_name, Application.date_created, Application.sid),
}


class ApplicationListing(Listing[Application]):
    """An account's applications as a Selection has them, with their numbers if it says so."""

    def __init__(self, account: Account, selection: Selection) -> None:
        super().__init__(
            partial(_select, account, selection), _order(selection), selection.descending
        )
        self._account = account
        self._selection = selection

    def _find_place(self, part: Part) -> Values | None:
        """Return the values that a page begins after, or None.

        Raises InvalidParameter (400) where that is what the account does not have.
        """
        if part.after is None:
            return None
        sid, key = part.after
        *others, sids = self._order
        if len(key) == len(others):
            return (*key, sid)
        own = exactly(Application.account_sid, self._account.sid) & exactly(sids, sid)
        row = Application.get_or_none(own)
        if row is None:
            raise InvalidParameter("AfterSid", "name an application of the account")
        return self.values_of(row)

    def _read_first(self) -> list[Row]:
        selection = self._selection
        # What this statement knows of a selection; what filters otherwise has none.
        known = Selection(
            sort_by=selection.sort_by,
            descending=selection.descending,
            kind=selection.kind,
            part=selection.part,
            kept=selection.kept,
        )
        if selection != known:
            return super()._read_first()
        kind = None if selection.kind is None else Parameter("kind")
        statement = _statement_of(selection.sort_by, selection.descending, kind)
        account_sid, batch = self._account.sid, listings.BATCH
        return statement.rows(account_sid=account_sid, kind=selection.kind, batch=batch)

    def _finish(self, rows: list[Row], is_last: bool) -> Iterator[Batch]:
        if not self._selection.with_numbers or not rows:
            yield Batch(rows, is_last)
            return
        numbers = _select_numbers(self._account, [row.sid for row in rows])
        found = read_rows(numbers.limit(MOST_NUMBERS + 1))
        if len(found) <= MOST_NUMBERS:
            yield Batch(_with_numbers(rows, found), is_last)
            return
        del found  # Or each half would be read while its whole is held.
        if len(rows) == 1:
            yield Batch(rows, is_last, self._read_numbers(rows[0]))
        else:
            middle = len(rows) // 2
            yield from self._finish(rows[:middle], False)
            yield from self._finish(rows[middle:], is_last)

    def _read_numbers(self, application: Row) -> Iterator[list[Row]]:
        """Yield the numbers of an application in lists."""
        numbers = _select_numbers(self._account, [application.sid]).limit(MOST_NUMBERS)
        found = read_rows(numbers)
        while found:
            yield found
            found = read_rows(numbers.where(IncomingPhoneNumber.sid > found[-1].sid))


@cache
def _statement_of(sort_by: str, descending: bool, kind: str | None) -> Statement:
    selection = Selection(sort_by=sort_by, descending=descending, kind=kind)
    any_account = Account(sid=Parameter("account_sid"))
    limit = Parameter("batch")
    return Statement(lambda: ApplicationListing(any_account, selection).in_order().limit(limit))


def _order(selection: Selection) -> tuple[peewee.Field, ...]:
    """List the columns of an order; of one name only the dates remain to sort by."""
    named = selection.friendly_name is not None and selection.sort_by == "friendly_name"
    return _ORDERS["date_created" if named else selection.sort_by]


def _columns(selection: Selection) -> list[peewee.ColumnBase]:
    """List the columns that a reply shows."""
    shown = [column for column in Application._meta.sorted_fields if column.name != "uri"]
    # In its place come the numbers.
    return [*shown, peewee.SQL("NULL").alias("numbers")] if selection.with_numbers else shown


def _select(account: Account, selection: Selection) -> "peewee.ModelSelect[Application]":
    owned = exactly(Application.account_sid, account.sid)
    query = Application.select(*_columns(selection)).where(owned)
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


def _with_numbers(applications: list[Row], numbers: list[Row]) -> list[Row]:
    """Return applications with their numbers: each a list, or None where it has none."""
    columns = [column.name for column in IncomingPhoneNumber.application_columns()]
    of_application: defaultdict[str, list[Row]] = defaultdict(list)
    for number in numbers:
        for sid in dict.fromkeys(getattr(number, column) for column in columns):
            of_application[sid].append(number)
    return [
        application._replace(numbers=of_application.get(application.sid))
        for application in applications
    ]


def _select_numbers(
    account: Account, application_sids: list[str]
) -> "peewee.ModelSelect[IncomingPhoneNumber]":
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
