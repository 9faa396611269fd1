"""Every query on applications; each starts from an account.

What must happen together happens in one transaction here. Columns stand in ``models``.
"""

from collections import defaultdict

from . import sids
from .database import database
from .errors import Forbidden, NotFound
from .models import Application, Client, IncomingPhoneNumber
from .properties import API_VERSION
from .statements import Parameter, Statement

_LIST = Statement(
    Application.select()
    .where(Application.account_sid == Parameter("account_sid"))
    .order_by(Application.date_created, Application.sid)
)
_FIND = Statement(Application.select().where(Application.sid == Parameter("sid")))


def list_applications(account):
    """List an account's applications, by DateCreated, then sid, as named tuples."""
    return _LIST.rows(account_sid=account.sid)


def list_applications_with_numbers(account):
    """List an account's applications, each with ``numbers``, its list of numbers or None."""
    numbers = defaultdict(list)
    for number in _select_numbers(account):
        for application_sid in dict.fromkeys(number.application_sids()):
            numbers[application_sid].append(number)
    applications = _LIST.models(account_sid=account.sid)
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
        .where(IncomingPhoneNumber.account_sid == account.sid)
        .order_by(IncomingPhoneNumber.sid)
    )


def find_application(account, sid):
    """Find one of an account's applications.

    Raises NotFound (404) where there is none of that sid, Forbidden (403) where it is another
    account's.
    """
    application = _FIND.first(sid=sid) if sids.is_sid(sid) else None
    if application is None:
        raise NotFound()
    if application.account_sid != account.sid:
        raise Forbidden()
    return application


def create_application(account, values, now):
    """Add an application with the columns ``values`` to an account and return it."""
    sid = sids.new_sid(sids.APPLICATION)
    with database.atomic():
        return Application.create(
            sid=sid,
            account_sid=account.sid,
            date_created=now,
            date_updated=now,
            # Without the setting ROOT_PATH: the form in which a Restcomm writes it itself.
            uri=f"/{API_VERSION}/Accounts/{account.sid}/Applications/{sid}",
            **values,
        )


def update_application(account, sid, values, now):
    """Set the columns ``values`` of an application and return it; see ``find_application``.

    DateUpdated moves only when there is a column to set.
    """
    with database.atomic():
        application = find_application(account, sid)
        if values:
            changes = values | {"date_updated": now}
            Application.update(changes).where(Application.sid == sid).execute()
            application = find_application(account, sid)
    return application


def remove_application(account, sid, unbind, now):
    """Remove an application; see ``find_application``.

    With ``unbind`` the numbers and clients that point at it are freed in the same transaction; the
    original left them dangling.
    """
    with database.atomic():
        find_application(account, sid)
        if unbind:
            for column in (*IncomingPhoneNumber.application_columns(), Client.voice_application_sid):
                freed = {column: None, "date_updated": now}
                column.model.update(freed).where(column == sid).execute()
        Application.delete().where(Application.sid == sid).execute()
