"""Bringing back what an application was, from the changes that are kept of it."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.store import account_locks
from restcomm_apps.store.database import locked, transaction
from restcomm_apps.store.models import Account, Application
from restcomm_apps.store.service_models import Change

from . import trail

# Where a change's properties have what was and what became.
_FROM, _TO = 0, 1


class CannotRestore(Exception):
    """A state cannot be brought back; the text is a sentence that says why."""


def restore_application(sid: str, sequence: int | None, now: datetime) -> Application:
    """Bring an application back as it was after the change ``sequence`` of its account.

    With None a removed one comes back as it was last. Returns its row. What pointed at it before a
    removal is not bound again. Raises CannotRestore.
    """
    account_sid = _list_kept(sid)[-1].account_sid
    account = Account.get_or_none(Account.sid == account_sid)
    if account is None:
        raise CannotRestore(f"Its account {account_sid} is gone.")
    return _restore(account, sid, sequence, now)


def _list_kept(sid: str) -> list[Change]:
    kept = list(trail.list_changes(resource_sid=sid))
    if not kept:
        raise CannotRestore(f"No change of {sid} is kept.")
    return kept


@transaction
def _restore(account: Account, sid: str, sequence: int | None, now: datetime) -> Application:
    if account_locks.keep_as_it_is(account.sid) in (None, CLOSED):
        raise CannotRestore(f"Its account {account.sid} is closed.")
    present = locked(Application.select().where(Application.sid == sid)).first()
    kept = _list_kept(sid)
    if sequence is None and present is not None:
        raise CannotRestore(f"{sid} is not removed; name the change to go back to with --at.")
    if present is not None and present.account_sid != account.sid:
        raise CannotRestore(f"{sid} belongs to {present.account_sid} now, not to {account.sid}.")
    # What something else has removed is known only if the trail has its creation.
    columns = _follow(None, kept, _TO) if present is None else dict(present.__data__)
    columns = _follow(columns, reversed(_changes_after(sequence, kept, sid)), _FROM)
    return _write(sid, present, columns, now)


def _changes_after(sequence: int | None, kept: list[Change], sid: str) -> list[Change]:
    if sequence is None:
        return kept[-1:] if _is_removal(kept[-1]) else []
    if sequence not in {change.sequence for change in kept}:
        raise CannotRestore(f"Change {sequence} is none of {sid}; see audit list --application.")
    return [change for change in kept if change.sequence > sequence]


def _is_removal(change: Change) -> bool:
    _, sid = json.loads(change.properties).get("sid", [None, ""])
    return sid is None


def _follow(
    columns: dict[str, Any] | None, changes: Iterable[Change], side: int
) -> dict[str, Any] | None:
    """Return the columns after some changes, done (_TO) or undone (_FROM); None is removed."""
    for change in changes:
        properties = json.loads(change.properties).items()
        values = {name: pair[side] for name, pair in properties}
        # Only what makes or removes an application changes its sid, and then has all columns.
        if "sid" in values:
            columns = values if values["sid"] else None
        elif columns is not None:
            columns |= values
    return columns


def _write(
    sid: str, present: Application | None, restored: dict[str, Any] | None, now: datetime
) -> Application:
    if restored is None:
        raise CannotRestore(f"{sid} was not there then, or what it was is not known.")
    # The trail leaves out what was null before and after.
    columns = {name: restored.get(name) for name in Application._meta.fields}
    del columns["date_updated"]
    if present is None:
        application = Application.create(**columns, date_updated=now)
        trail.record(trail.RESTORE, None, application)
    elif all(getattr(present, name) == value for name, value in columns.items()):
        raise CannotRestore(f"{sid} is like that already.")
    else:
        updated = columns | {"date_updated": now}
        Application.update(updated).where(Application.sid == sid).execute()
        trail.record(trail.RESTORE, present, columns)
    return Application.get_by_id(sid)
