"""What is to be done so that an account's applications become what a file says of them.

A row of the file is about the application of its Sid, or else of its FriendlyName. What the row
does not name stays as it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from restcomm_apps.errors import InvalidParameter, MissingParameter, NotFound
from restcomm_apps.resources import account_guards
from restcomm_apps.resources.parameters import Values
from restcomm_apps.store.database import transaction
from restcomm_apps.store.models import Account, Application

from . import bulk
from .bulk import RowAction, RowTexts
from .forms import COLUMNS
from .queries import apply_actions, list_applications

_MOST_NAMED = 3


class StalePlan(Exception):
    """The applications have changed since the plan was made."""


class Step(NamedTuple):
    """A RowAction, the name of its application, and the columns that change as they are."""

    row_action: RowAction
    friendly_name: str
    before: Values


class Plan(NamedTuple):
    """All steps, and how many applications of the account the file does not name."""

    steps: list[Step]
    others: int


def make_plan(account: Account, rows: Iterable[bulk.Row], prune: bool) -> Plan:
    """Compare a file's rows with an account's applications.

    With ``prune`` an application that no row is about is to be removed. Raises MalformedRequest,
    MissingParameter, InvalidParameter (400), NotFound (404), each naming its line.
    """
    return _compare(list_applications(account), rows, prune)


@transaction
def carry_out(
    plan: Plan,
    account: Account,
    rows: Iterable[bulk.Row],
    prune: bool,
    unbind: bool,
    now: datetime,
) -> None:
    """Make the applications what the rows say, all or nothing.

    Raises StalePlan where it is no longer the plan that ``make_plan`` makes, AccountClosed (409).
    """
    account_guards.keep_open(account)
    if _compare(list_applications(account, to_change=True), rows, prune) != plan:
        raise StalePlan()
    apply_actions(account, [step.row_action for step in plan.steps], unbind, now)


def _compare(applications: list[Application], rows: Iterable[bulk.Row], prune: bool) -> Plan:
    by_sid = {application.sid: application for application in applications}
    lines: bulk.Lines = {}
    steps: list[Step] = []
    for line, texts, application in _match(by_sid, list(bulk.read_texts(rows, bulk.FILE_NAMES))):
        with bulk.about_line(line):
            if application is None:
                steps.append(_create(line, texts))
                continue
            bulk.require_new(application.sid, lines)
            lines[application.sid] = line
            steps.extend(_update(line, application, bulk.values_to_update(texts)))
    others = [application for sid, application in by_sid.items() if sid not in lines]
    if prune:
        steps.extend(_remove(application) for application in others)
    return Plan(steps, len(others))


def _match(
    by_sid: dict[str, Application], rows: list[tuple[int, RowTexts]]
) -> Iterator[tuple[int, RowTexts, Application | None]]:
    """Yield (line, texts, application or None) of rows."""
    by_name: defaultdict[str, list[Application]] = defaultdict(list)
    for application in by_sid.values():
        by_name[application.friendly_name].append(application)
    lines_by_name: defaultdict[str | None, list[int]] = defaultdict(list)
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
            _require_one(name, [f"line {number}" for number in lines_by_name[name]])
            _require_one(name, [application.sid for application in by_name[name]])
            yield line, texts, next(iter(by_name[name]), None)


def _require_one(friendly_name: str, matches: list[str]) -> None:
    """Raise InvalidParameter (400) where several applications or lines have the same name."""
    if len(matches) > 1:
        several = " and ".join(matches[:_MOST_NAMED])
        more = len(matches) - _MOST_NAMED
        several += f" and {more} more" if more > 0 else ""
        raise InvalidParameter(
            "Sid", f"be given, as {several} have the FriendlyName {friendly_name!r}"
        )


def _create(line: int, texts: RowTexts) -> Step:
    values = bulk.values_to_create(texts)
    return Step(RowAction(line, bulk.CREATE, None, values), values["friendly_name"], {})


def _update(line: int, application: Application, values: Values) -> list[Step]:
    """List the step from an application to what it is to be, if they differ."""
    before = {column: getattr(application, column) for column in COLUMNS if column in values}
    # A RcmlUrl or Kind may be empty or null, which is the same to whoever writes a file.
    differing = [column for column in before if (before[column] or "") != (values[column] or "")]
    if not differing:
        return []
    values = {column: values[column] for column in differing}
    before = {column: before[column] for column in differing}
    row_action = RowAction(line, bulk.UPDATE, application.sid, values)
    return [Step(row_action, application.friendly_name, before)]


def _remove(application: Application) -> Step:
    row_action = RowAction(None, bulk.REMOVE, application.sid, {})
    return Step(row_action, application.friendly_name, {})
