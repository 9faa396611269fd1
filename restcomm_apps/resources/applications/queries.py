"""Every query on single applications; each starts from an account.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from peewee import Field, ModelSelect, chunked

from restcomm_apps.audit import trail
from restcomm_apps.domain import sids
from restcomm_apps.domain.vocabulary import API_VERSION
from restcomm_apps.errors import Forbidden, MalformedRequest, NotFound
from restcomm_apps.resources import account_guards
from restcomm_apps.resources.listings import Listing, Row
from restcomm_apps.resources.parameters import Values
from restcomm_apps.store.database import locked, transaction
from restcomm_apps.store.expressions import SIDS_AT_ONCE, exactly
from restcomm_apps.store.models import Account, Application, Client, IncomingPhoneNumber
from restcomm_apps.store.prepared import Insertion, Parameter, Statement
from restcomm_apps.store.service_models import Change

from .bulk import CREATE, REMOVE, UPDATE, RowAction, about_line
from .representation import BulkOutcome

# Of the RcmlUrls that the reply to a bulk shows: its body has no more, but a row may name an
# application of a longer one.
_MOST_OCTETS_SHOWN = 2**22
_TOO_MUCH = "together the applications have more than 4 MiB of RcmlUrls"

_insertion = Insertion(Application)

# Refuses, by raising, to write an application in the state that it is called with.
Check = Callable[[Application], None]
A = TypeVar("A", Application, Row)


def list_applications(account: Account, to_change: bool = False) -> list[Application]:
    """List all of an account's applications, by sid.

    With ``to_change`` they are locked for a transaction that may change them.
    """
    owned = Application.select().where(exactly(Application.account_sid, account.sid))
    return list((locked(owned) if to_change else owned).order_by(Application.sid))


def find_application(account: Account, sid: str) -> Row:
    """Find one of an account's applications, as a named tuple.

    Raises NotFound (404) where there is none of that sid, Forbidden (403) where it is another
    account's.
    """
    return _owned(_select_by_sid.first_row(sid=sid) if sids.is_sid(sid) else None, account)


@Statement
def _select_by_sid() -> "ModelSelect[Application]":
    return Application.select().where(exactly(Application.sid, Parameter("sid")))


def _lock_application(account: Account, sid: str) -> Application:
    """Find an application within a transaction that will change it; see ``find_application``."""
    query = locked(Application.select().where(exactly(Application.sid, sid)))
    return _owned(query.first() if sids.is_sid(sid) else None, account)


def _owned(application: A | None, account: Account) -> A:
    if application is None:
        raise NotFound()
    if application.account_sid != account.sid:
        raise Forbidden()
    return application


def list_changes(account: Account, sid: str) -> Listing[Change]:
    """Return the Listing of changes to one of an account's applications, a removed one's too.

    They are listed by sequence. Raises NotFound (404), also where no trail is kept, and Forbidden
    (403); see ``find_application``.
    """
    if not trail.has_tables():
        raise NotFound()
    select = partial(trail.select_changes, account.sid, sid)
    if not select().exists():
        find_application(account, sid)
    return Listing(select, (Change.sequence,), grows_at_its_end=True)


@transaction
def create_application(account: Account, values: Values, now: datetime) -> Application:
    """Add an application with the columns ``values`` to an account and return it.

    Raises AccountNotActive (403), AccountClosed (409); see ``account_guards.keep_open``.
    """
    account_guards.keep_open(account)
    return _create(account, values, now)


def _create(account: Account, values: Values, now: datetime) -> Application:
    sid = sids.new_sid(sids.APPLICATION)
    application = _insertion.run(
        sid=sid,
        account_sid=account.sid,
        date_created=now,
        date_updated=now,
        # Without the setting ROOT_PATH: the form in which a Restcomm writes it itself.
        uri=f"/{API_VERSION}/Accounts/{account.sid}/Applications/{sid}",
        **values,
    )
    trail.record(trail.CREATE, None, application)
    return application


@transaction
def update_application(
    account: Account, sid: str, values: Values, now: datetime, check: Check
) -> Row:
    """Set the columns ``values`` of an application and return it; see ``find_application``.

    DateUpdated moves only when there is a column to set. ``check`` is called with the application
    before it changes, and may refuse by raising.
    """
    application = _lock_application(account, sid)
    check(application)
    if not values:
        return application
    Application.update(values | {"date_updated": now}).where(Application.sid == sid).execute()
    trail.record(trail.UPDATE, application, values)
    return find_application(account, sid)


@transaction
def remove_application(
    account: Account, sid: str, unbind: bool, now: datetime, check: Check
) -> None:
    """Remove an application; see ``find_application``, and ``update_application`` for ``check``.

    With ``unbind`` the numbers and clients that point at it are freed in the same transaction; in
    the original they went on pointing at it.
    """
    application = _lock_application(account, sid)
    check(application)
    _remove([application], unbind, now)


@transaction
def apply_actions(
    account: Account, row_actions: Sequence[RowAction], unbind: bool, now: datetime
) -> BulkOutcome:
    """Apply the actions of rows, all or nothing.

    Raises as the function for each single action, naming the line, and as ``create_application``;
    MalformedRequest (400) where the applications are more than memory should hold.
    """
    account_guards.keep_open(account)
    applications: list[Row] = []
    octets = 0
    for row in row_actions:
        with about_line(row.line):
            applications.extend(_apply(row, account, now))
            octets += len(applications[-1].rcml_url or "") if row.action != REMOVE else 0
            if octets > _MOST_OCTETS_SHOWN:
                raise MalformedRequest(f"The rows before must be a bulk of their own: {_TOO_MUCH}")
    if unbind:
        # Together, as each search reads all numbers and clients.
        removed = [row.sid for row in row_actions if row.sid and row.action == REMOVE]
        for chunk in chunked(removed, SIDS_AT_ONCE):
            _unbind(chunk, now)
    count = Counter(row.action for row in row_actions)
    return BulkOutcome(count[CREATE], count[UPDATE], count[REMOVE], applications)


def _apply(row: RowAction, account: Account, now: datetime) -> list[Row]:
    """Apply the action of a row; list the application that it creates or updates."""
    if row.sid is None:
        return [_create(account, row.values, now)]
    if row.action == UPDATE:
        return [update_application(account, row.sid, row.values, now, _accept)]
    remove_application(account, row.sid, False, now, _accept)
    return []


def _accept(application: Application) -> None:
    """Accept an application in any state."""


@transaction
def remove_applications_of(accounts: Iterable[Account], unbind: bool, now: datetime) -> None:
    """Remove all applications of some accounts; see ``remove_application``.

    Those of several accounts together, as to free what points at them reads all numbers and
    clients; but only so many at a time, as all may be more than memory holds.
    """
    found: list[Application] = []
    for account in accounts:
        found += _lock_some_of(account, SIDS_AT_ONCE - len(found))
        while len(found) == SIDS_AT_ONCE:
            _remove(found, unbind, now)
            found = _lock_some_of(account, SIDS_AT_ONCE)
    if found:
        _remove(found, unbind, now)


def _lock_some_of(account: Account, most: int) -> list[Application]:
    # In the order of an index.
    owned = Application.select().where(exactly(Application.account_sid, account.sid))
    return list(locked(owned.order_by(Application.date_created, Application.sid).limit(most)))


def _remove(applications: list[Application], unbind: bool, now: datetime) -> None:
    application_sids = [application.sid for application in applications]
    if unbind:
        _unbind(application_sids, now)
    Application.delete().where(Application.sid << application_sids).execute()
    # Last: from here on the account's other writers wait.
    for application in applications:
        trail.record(trail.REMOVE, application, None)


def _unbind(application_sids: list[str], now: datetime) -> None:
    for column in (*IncomingPhoneNumber.application_columns(), Client.voice_application_sid):
        _free(column, application_sids, now)


def _free(column: Field, application_sids: list[str], now: datetime) -> None:
    # Found first and changed by key: no index leads to them, and a change without one would lock
    # each row of the table on MariaDB.
    table = column.model
    candidates = table.select(table.sid, column).where(column << application_sids)
    # A collation may take others for these.
    pointing = [sid for sid, target in candidates.tuples() if target in application_sids]
    for chunk in chunked(pointing, SIDS_AT_ONCE):
        freed = {column: None, "date_updated": now}
        table.update(freed).where(table.sid << chunk, column << application_sids).execute()
