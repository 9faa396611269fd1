"""Bringing back what an application was, from the changes that are kept of it."""

import json

from . import changes
from .database import locked, transaction
from .models import CLOSED, Account, Application


class CannotRestore(Exception):
    """A state cannot be brought back; the text is a sentence that says why."""


@transaction
def restore_application(sid, sequence, now):
    """Bring an application back as it was after the change ``sequence`` of its account.

    With None a removed one comes back as it was last. Gives its row. What pointed at it before a
    removal is not bound again. Raises CannotRestore.
    """
    kept = list(changes.list_changes(resource_sid=sid))
    if not kept:
        raise CannotRestore(f"No change of {sid} is kept.")
    present = locked(Application.select().where(Application.sid == sid)).first()
    if sequence is None and present is not None:
        raise CannotRestore(f"{sid} is not removed; name the change to go back to with --at.")
    _check_owner(sid, kept[-1].account_sid, present)
    now_kept = _replay(kept) if present is None else _stored_columns(present)
    columns = _undo(now_kept, _changes_after(sequence, kept, sid))
    return _write(sid, present, columns, now)


def _check_owner(sid, account_sid, present):
    if present is not None and present.account_sid != account_sid:
        raise CannotRestore(f"{sid} belongs to {present.account_sid} now, not to {account_sid}.")
    account = Account.get_or_none(Account.sid == account_sid)
    if account is None or account.status == CLOSED:
        how = "gone" if account is None else CLOSED
        raise CannotRestore(f"Its account {account_sid} is {how}.")


def _changes_after(sequence, kept, sid):
    if sequence is None:
        return kept[-1:] if _is_removal(kept[-1]) else []
    if sequence not in {change.sequence for change in kept}:
        raise CannotRestore(f"Change {sequence} is none of {sid}; see audit list --application.")
    return [change for change in kept if change.sequence > sequence]


def _is_removal(change):
    return json.loads(change.properties).get("sid", [None, ""])[1] is None


def _stored_columns(application):
    return {name: getattr(application, name) for name in application._meta.fields}


def _replay(kept):
    """Give the columns that follow from an application's changes alone, None if it is removed."""
    columns = None
    for change in kept:
        became = {name: pair[1] for name, pair in json.loads(change.properties).items()}
        if "sid" in became:
            columns = became if became["sid"] else None
        elif columns is not None:
            columns |= became
    return columns


def _undo(columns, changes_after):
    """Give the columns as they were before some changes, None if it was not there."""
    for change in reversed(changes_after):
        was = {name: pair[0] for name, pair in json.loads(change.properties).items()}
        if "sid" in was:
            columns = was if was["sid"] else None
        elif columns is not None:
            columns |= was
    return columns


def _write(sid, present, columns, now):
    if columns is None:
        raise CannotRestore(f"{sid} was not there then, or what it was is not known.")
    # The trail leaves out what was null before and after.
    columns = {name: columns.get(name) for name in Application._meta.fields}
    del columns["date_updated"]
    if present is None:
        application = Application.create(**columns, date_updated=now)
        changes.record(changes.RESTORE, None, application)
    elif all(getattr(present, name) == value for name, value in columns.items()):
        raise CannotRestore(f"{sid} is like that already.")
    else:
        updated = columns | {"date_updated": now}
        Application.update(updated).where(Application.sid == sid).execute()
        changes.record(changes.RESTORE, present, columns)
    return Application.get_by_id(sid)
