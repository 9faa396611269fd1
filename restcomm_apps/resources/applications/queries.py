"""Every query on single applications; each starts from an account.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

from functools import partial

from peewee import chunked

from restcomm_apps.audit import trail as changes
from restcomm_apps.domain import sids
from restcomm_apps.domain.vocabulary import API_VERSION
from restcomm_apps.errors import Forbidden, MalformedRequest, NotFound
from restcomm_apps.resources import account_guards
from restcomm_apps.resources.listings import Listing
from restcomm_apps.store.database import locked, transaction
from restcomm_apps.store.expressions import exactly
from restcomm_apps.store.models import Account, Application, Client, IncomingPhoneNumber
from restcomm_apps.store.prepared import Insertion, Parameter, Statement
from restcomm_apps.store.service_models import Change

from . import bulk

# Applications removed by one statement: engines bound the number of parameters.
_CHUNK = 500
# Of the RcmlUrls of what a bulk leaves, which its reply shows: its body has no more, but a row may
# name an application of a longer one.
_MOST_OCTETS_LEFT = 2**22
_TOO_MUCH_LEFT = "together the applications have more than 4 MiB of RcmlUrls"

_insertion = Insertion(Application)


def list_applications(account, to_change=False):
    """List all of an account's applications, by sid.

    With ``to_change`` they are locked for a transaction that may change them.
    """
    owned = Application.select().where(exactly(Application.account_sid, account.sid))
    return list((locked(owned) if to_change else owned).order_by(Application.sid))


def find_application(account, sid):
    """Find one of an account's applications, as a named tuple.

    Raises NotFound (404) where there is none of that sid, Forbidden (403) where it is another
    account's.
    """
    return _owned(_select_by_sid.first_row(sid=sid) if sids.is_sid(sid) else None, account)


@Statement
def _select_by_sid():
    return Application.select().where(exactly(Application.sid, Parameter("sid")))


def _lock_application(account, sid):
    """Find an application within a transaction that will change it; see ``find_application``."""
    query = locked(Application.select().where(exactly(Application.sid, sid)))
    return _owned(query.first() if sids.is_sid(sid) else None, account)


def _owned(found, account):
    if found is None:
        raise NotFound()
    if found.account_sid != account.sid:
        raise Forbidden()
    return found


def list_changes(account: Account, sid: str) -> Listing:
    """Give the Listing of changes to one of an account's applications, a removed one's too.

    They are listed by sequence. Raises NotFound (404), also where no trail is kept, and Forbidden
    (403); see ``find_application``.
    """
    if not changes.has_tables():
        raise NotFound()
    select = partial(changes.select_changes, account.sid, sid)
    if not select().exists():
        find_application(account, sid)
    return Listing(select, (Change.sequence,), grows_at_its_end=True)


@transaction
def create_application(account, values, now):
    """Add an application with the columns ``values`` to an account and return it.

    Raises AccountNotActive (403), AccountClosed (409); see ``account_guards.keep_open``.
    """
    account_guards.keep_open(account)
    return _create(account, values, now)


def _create(account, values, now):
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
    changes.record(changes.CREATE, None, application)
    return application


@transaction
def update_application(account, sid, values, now, check):
    """Set the columns ``values`` of an application and return it; see ``find_application``.

    DateUpdated moves only when there is a column to set. ``check`` is called with the application
    before it changes, and may refuse by raising.
    """
    application = _lock_application(account, sid)
    check(application)
    if values:
        columns = values | {"date_updated": now}
        Application.update(columns).where(Application.sid == sid).execute()
        changes.record(changes.UPDATE, application, values)
        application = find_application(account, sid)
    return application


@transaction
def remove_application(account, sid, unbind, now, check):
    """Remove an application; see ``find_application``, and ``update_application`` for ``check``.

    With ``unbind`` the numbers and clients that point at it are freed in the same transaction; the
    original left them dangling.
    """
    application = _lock_application(account, sid)
    check(application)
    _remove([application], unbind, now)


@transaction
def change_applications(account, wanted, unbind, now):
    """Apply ``bulk.Change``s, all or nothing; list what they leave, None for a removed one.

    Raises as the function for each single change, naming the line, and as ``create_application``;
    MalformedRequest (400) where what they leave is more than memory should hold.
    """
    account_guards.keep_open(account)
    left, octets = [], 0
    for change in wanted:
        with bulk.about_line(change.line):
            left.append(_apply(change, account, now))
            octets += len(getattr(left[-1], "rcml_url", None) or "")
            if octets > _MOST_OCTETS_LEFT:
                raise MalformedRequest(
                    f"The rows before must be a bulk of their own: {_TOO_MUCH_LEFT}"
                )
    if unbind:
        # Together, as each reads all numbers and clients.
        removed = [change.sid for change in wanted if change.action == bulk.REMOVE]
        for some in chunked(removed, _CHUNK):
            _unbind(some, now)
    return left


def _apply(change, account, now):
    if change.action == bulk.CREATE:
        return _create(account, change.values, now)
    if change.action == bulk.UPDATE:
        return update_application(account, change.sid, change.values, now, _accept)
    return remove_application(account, change.sid, False, now, _accept)


def _accept(application):
    """Accept an application in any state."""


@transaction
def remove_applications_of(account, unbind, now):
    """Remove all applications of an account; see ``remove_application``."""
    owned = locked(Application.select().where(exactly(Application.account_sid, account.sid)))
    # In the order of an index, and some at a time: all of them may be more than memory holds.
    some_of_them = owned.order_by(Application.date_created, Application.sid).limit(_CHUNK)
    while some := list(some_of_them.clone()):
        _remove(some, unbind, now)


def _remove(applications, unbind, now):
    application_sids = [application.sid for application in applications]
    if unbind:
        _unbind(application_sids, now)
    Application.delete().where(Application.sid << application_sids).execute()
    # Last: from here on the account's other writers wait.
    for application in applications:
        changes.record(changes.REMOVE, application, None)


def _unbind(application_sids, now):
    for column in (*IncomingPhoneNumber.application_columns(), Client.voice_application_sid):
        _free(column, application_sids, now)


def _free(column, application_sids, now):
    # Found first and changed by key: no index leads to them, and a change without one would lock
    # each row of the table on MariaDB.
    table = column.model
    candidates = table.select(table.sid, column).where(column << application_sids)
    # A collation may take others for these.
    pointing = [sid for sid, pointed in candidates.tuples() if pointed in application_sids]
    for sids_of_rows in chunked(pointing, _CHUNK):
        freed = {column: None, "date_updated": now}
        table.update(freed).where(table.sid << sids_of_rows, column << application_sids).execute()
