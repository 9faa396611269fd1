"""Every query on applications; each starts from an account.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

from collections import defaultdict

from . import changes, sids
from .database import locked, transaction
from .errors import Forbidden, NotFound
from .fields import exactly
from .models import Application, Client, IncomingPhoneNumber
from .properties import API_VERSION


def list_applications(account):
    """List an account's applications, by DateCreated, then sid."""
    return list(
        Application.select()
        .where(exactly(Application.account_sid, account.sid))
        .order_by(Application.date_created, Application.sid)
    )


def list_applications_with_numbers(account):
    """List an account's applications, each with ``numbers``, its list of numbers or None."""
    numbers = defaultdict(list)
    for number in _select_numbers(account):
        for application_sid in dict.fromkeys(number.application_sids()):
            numbers[application_sid].append(number)
    applications = list_applications(account)
    for application in applications:
        application.numbers = numbers.get(application.sid)
    return applications


def _select_numbers(account):
    """Select an account's numbers by sid: only the columns that a reply shows."""
    shown = (
        IncomingPhoneNumber.sid,
        IncomingPhoneNumber.friendly_name,
        IncomingPhoneNumber.phone_number,
        *IncomingPhoneNumber.application_columns(),
    )
    return (
        IncomingPhoneNumber.select(*shown)
        .where(exactly(IncomingPhoneNumber.account_sid, account.sid))
        .order_by(IncomingPhoneNumber.sid)
    )


def find_application(account, sid):
    """Find one of an account's applications.

    Raises NotFound (404) where there is none of that sid, Forbidden (403) where it is another
    account's.
    """
    return _find_application(Application.select(), account, sid)


def _find_application(query, account, sid):
    found = query.where(exactly(Application.sid, sid)).first() if sids.is_sid(sid) else None
    if found is None:
        raise NotFound()
    if found.account_sid != account.sid:
        raise Forbidden()
    return found


def list_changes(account, sid):
    """List the changes to one of an account's applications, a removed one's too, by sequence.

    Raises NotFound (404), also where no trail is kept, and Forbidden (403); see
    ``find_application``.
    """
    if not changes.has_tables():
        raise NotFound()
    listed = list(changes.list_changes(account.sid, sid))
    if not listed:
        find_application(account, sid)
    return listed


@transaction
def create_application(account, values, now):
    """Add an application with the columns ``values`` to an account and return it."""
    sid = sids.new_sid(sids.APPLICATION)
    application = Application.create(
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
def update_application(account, sid, values, now):
    """Set the columns ``values`` of an application and return it; see ``find_application``.

    DateUpdated moves only when there is a column to set.
    """
    application = _find_application(locked(Application.select()), account, sid)
    if values:
        columns = values | {"date_updated": now}
        Application.update(columns).where(Application.sid == sid).execute()
        changes.record(changes.UPDATE, application, values)
        application = find_application(account, sid)
    return application


@transaction
def remove_application(account, sid, unbind, now):
    """Remove an application; see ``find_application``.

    With ``unbind`` the numbers and clients that point at it are freed in the same transaction; the
    original left them dangling.
    """
    application = _find_application(locked(Application.select()), account, sid)
    if unbind:
        for column in (*IncomingPhoneNumber.application_columns(), Client.voice_application_sid):
            _free(column, sid, now)
    Application.delete().where(Application.sid == sid).execute()
    # Last: from here on the account's other writers wait.
    changes.record(changes.REMOVE, application, None)


def _free(column, application_sid, now):
    # Found first and changed by key: no index leads to them, and a change without one would lock
    # each row of the table on MariaDB.
    table = column.model
    pointing = [row.sid for row in table.select(table.sid).where(exactly(column, application_sid))]
    if pointing:
        freed = {column: None, "date_updated": now}
        table.update(freed).where(table.sid << pointing, column == application_sid).execute()
