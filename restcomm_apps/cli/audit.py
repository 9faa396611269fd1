"""Commands on the audit trail: what was changed, whether that is all, and how to bring it back."""

import csv
import json
import sys
from typing import Any

import click

from restcomm_apps.app import create_app
from restcomm_apps.audit import restoring, trail, verification
from restcomm_apps.domain import dates
from restcomm_apps.resources.accounts import queries
from restcomm_apps.store.service_models import Change

from .base import require_tables, require_trail, say
from .group import commands
from .mistakes import Mistake
from .terminal import printable

_COLUMNS = [field.name for field in Change._meta.sorted_fields]
_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")
_TABLE = "{:20}  {:34}  {:>6}  {:7}  {:34}  {}"


@commands.group()
def audit() -> None:
    """Show and check the audit trail."""


def _selecting(command):
    """Add to a command the options that choose changes."""
    moment = click.DateTime(_FORMATS)
    for option in (
        click.option("--until", type=moment, help="Those before this moment, in UTC."),
        click.option("--since", type=moment, help="Those from this moment on, in UTC."),
        click.option("--application", metavar="SID", help="Those of one application."),
        click.option("--account", metavar="SID|EMAIL", help="Those of one account."),
    ):
        command = option(command)
    return command


def _select(account, application, since, until):
    create_app()
    require_trail()
    found = queries.find_account(account) if account is not None else None
    # The changes of an account that is gone are found by its sid.
    account_sid = found.sid if found else account
    moments = [moment and dates.utc_text(moment) for moment in (since, until)]
    return trail.list_changes(account_sid, application, *moments)


@audit.command("list")
@_selecting
def list_changes(**chosen: Any) -> None:
    """Show changes as a table for people."""
    selected = _select(**chosen)
    click.echo(_TABLE.format("WHEN", "ACCOUNT", "CHANGE", "ACTION", "OF", "BY, WHAT"))
    for change in selected:
        say(
            _TABLE.format(
                change.changed_at[:19] + "Z",
                change.account_sid,
                change.sequence,
                change.action,
                change.resource_sid,
                f"{_who(change)}: {_what(change)}",
            )
        )


def _who(change):
    if change.operator is not None:
        return f"command line, {change.operator}"
    return f"{change.effective_account_sid} from {change.address}"


def _what(change):
    return ", ".join(
        f"{name} {json.dumps(was)} -> {json.dumps(now)}"
        for name, (was, now) in _properties_of(change).items()
    )


def _properties_of(change):
    try:
        return json.loads(change.properties)
    except ValueError as error:
        raise Mistake(
            f"Change {change.sequence} of {change.account_sid} holds properties that are no JSON; "
            '"restcomm-apps audit verify" says more, "audit export --format csv" shows them.'
        ) from error


@audit.command()
@_selecting
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "csv")),
    default="json",
    show_default=True,
    help="What to write.",
)
def export(form: str, **chosen: Any) -> None:
    """Write changes with all their columns to standard output."""
    selected = _select(**chosen)
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(_COLUMNS)
        writer.writerows(map(_as_cells, map(_row_of, selected)))
        return
    separator = "["
    for change in selected:
        entry = dict(zip(_COLUMNS, _row_of(change)), properties=_properties_of(change))
        click.echo(f"{separator}\n{json.dumps(entry)}", nl=False)
        separator = ","
    click.echo("\n]" if separator == "," else "[]")


def _row_of(change):
    return [getattr(change, name) for name in _COLUMNS]


def _as_cells(row):
    return [printable(value) if isinstance(value, str) else value for value in row]


@audit.command()
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, readable=True),
    help="Also that the changes of this older export (JSON) are still there as they were.",
)
def verify(against: str | None) -> None:
    """Check that no change was altered, added or taken away; exit code 1 if one was."""
    create_app()
    require_trail()
    findings = verification.check_trail(_read_export(against) if against else ())
    for fault in findings.faults:
        say(fault)
    if findings.faults:
        sys.exit(1)
    click.echo(f"{findings.length} changes, nothing wrong")


def _read_export(path):
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
        return [(entry["account_sid"], entry["sequence"], entry["hash"]) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Mistake(f'--against {path} is no export of "audit export".') from error


@commands.command()
@click.argument("application")
@click.option(
    "--at",
    type=click.IntRange(min=1),
    metavar="CHANGE",
    help="The change of its account after which it was as it shall be; the last but its removal if "
    "not given.",
)
def restore(application: str, at: int | None) -> None:
    """Bring a removed application back, or an earlier state of one."""
    app = create_app()
    require_tables()
    require_trail()
    now = dates.local_now(app.config["TIMEZONE"])
    try:
        row = restoring.restore_application(application, at, now)
    except restoring.CannotRestore as error:
        raise Mistake(str(error)) from error
    say(f"{row.sid} of {row.account_sid} is back: {row.friendly_name!r}")
