"""What differs between an account's applications and what a file says of them.

A row of the file is about the application of its Sid, or else of its FriendlyName. What the row
does not name stays as it is.
"""

from collections import defaultdict
from typing import NamedTuple

from restcomm_apps.errors import InvalidParameter, MissingParameter, NotFound
from restcomm_apps.resources import account_guards
from restcomm_apps.store.database import transaction

from . import bulk
from .queries import change_applications, list_applications

_MOST_NAMED = 3
_COLUMNS = ("friendly_name", "voice_caller_id_lookup", "rcml_url", "kind")


class StaleDifferences(Exception):
    """The applications have changed since they were compared."""


class Difference(NamedTuple):
    """A change, the name of its application, and the columns that change as they are: a dict."""

    change: bulk.Change
    friendly_name: str
    before: dict


class Differences(NamedTuple):
    """All Differences, and how many applications of the account the file does not name."""

    changes: list
    others: int


def find_differences(account, rows, prune):
    """Compare a file's rows, (line, [(name, value)]), with an account's applications.

    With ``prune`` an application that no row is about is to be removed. Raises MalformedRequest,
    MissingParameter, InvalidParameter (400), NotFound (404), each naming its line.
    """
    return _compare(list_applications(account), rows, prune)


@transaction
def apply_differences(account, rows, prune, differences, unbind, now):
    """Make the applications what the rows say, all or nothing.

    Raises StaleDifferences where the differences are no longer those that were found before,
    AccountClosed (409).
    """
    account_guards.keep_open(account)
    if _compare(list_applications(account, to_change=True), rows, prune) != differences:
        raise StaleDifferences()
    changes = [difference.change for difference in differences.changes]
    change_applications(account, changes, unbind, now)


def _compare(applications, rows, prune):
    by_sid = {application.sid: application for application in applications}
    lines = {}
    found = []
    for line, texts, application in _match(by_sid, list(bulk.read_texts(rows, bulk.FILE_NAMES))):
        with bulk.about_line(line):
            if application is None:
                values = bulk.values_to_create(texts)
                change = bulk.Change(line, bulk.CREATE, None, values)
                found.append(Difference(change, values["friendly_name"], {}))
                continue
            bulk.require_new(application.sid, lines)
            lines[application.sid] = line
            found.extend(_differ(line, application, bulk.values_to_update(texts)))
    others = [application for sid, application in by_sid.items() if sid not in lines]
    if prune:
        for application in others:
            change = bulk.Change(None, bulk.REMOVE, application.sid, {})
            found.append(Difference(change, application.friendly_name, {}))
    return Differences(found, len(others))


def _match(by_sid, rows):
    """Yield (line, texts, application or None) of rows."""
    by_name = defaultdict(list)
    for application in by_sid.values():
        by_name[application.friendly_name].append(application)
    lines_by_name = defaultdict(list)
    for line, texts in rows:
        lines_by_name[texts.get("FriendlyName")].append(line)
    for line, texts in rows:
        with bulk.about_line(line):
            sid = texts.pop("Sid", None)
            if sid is not None:
                if sid not in by_sid:
                    raise NotFound(f"The account has no application of the sid {sid[:34]!a}")
                yield line, texts, by_sid[sid]
                continue
            name = texts.get("FriendlyName")
            if name is None:
                raise MissingParameter("FriendlyName")
            _require_one(name, [f"line {each}" for each in lines_by_name[name]])
            _require_one(name, [application.sid for application in by_name[name]])
            yield line, texts, next(iter(by_name[name]), None)


def _require_one(friendly_name, matches):
    """Raise InvalidParameter (400) where a name alone does not tell which application is meant."""
    if len(matches) > 1:
        several = " and ".join(matches[:_MOST_NAMED])
        more = len(matches) - _MOST_NAMED
        several += f" and {more} more" if more > 0 else ""
        raise InvalidParameter(
            "Sid", f"be given, as {several} have the FriendlyName {friendly_name!r}"
        )


def _differ(line, application, values):
    """List the Difference between an application and what it is to be, if there is one."""
    before = {column: getattr(application, column) for column in _COLUMNS if column in values}
    # A RcmlUrl or Kind may be empty or null, which is the same to whoever writes a file.
    changing = {column for column in before if (before[column] or "") != (values[column] or "")}
    if not changing:
        return []
    values = {column: values[column] for column in before if column in changing}
    before = {column: before[column] for column in values}
    change = bulk.Change(line, bulk.UPDATE, application.sid, values)
    return [Difference(change, application.friendly_name, before)]
