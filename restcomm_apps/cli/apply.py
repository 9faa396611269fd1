"""The command that makes an account's applications what a file says."""

from functools import partial
from pathlib import Path

import click

from restcomm_apps.app import create_app
from restcomm_apps.config import UNBIND
from restcomm_apps.domain.dates import local_now
from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.errors import RestcommError
from restcomm_apps.resources.accounts import queries as account_queries
from restcomm_apps.resources.applications import bulk
from restcomm_apps.resources.applications import plan as differences
from restcomm_apps.resources.applications import row_formats as bulk_rows
from restcomm_apps.resources.applications.forms import parameter_of
from restcomm_apps.resources.applications.yaml_rows import split_yaml
from restcomm_apps.store import schema

from .base import Mistake, commands, require_tables, say

_SPLIT = {
    ".csv": partial(bulk_rows.split_csv, known=bulk.FILE_NAMES),
    ".yaml": split_yaml,
    ".yml": split_yaml,
}
_MARKS = {bulk.CREATE: "+", bulk.UPDATE: "~", bulk.REMOVE: "-"}
_COUNTS = "{create} created, {update} changed, {remove} removed"


@commands.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", required=True, metavar="EMAIL|SID", help="Whose applications.")
@click.option("--dry-run", is_flag=True, help="Show the difference and change nothing.")
@click.option("--prune", is_flag=True, help="Remove the applications that the file does not name.")
@click.option("--yes", is_flag=True, help="Change without asking.")
@click.pass_context
def apply(context, file, account, dry_run, prune, yes):
    """Make an account's applications what a YAML or CSV file says.

    The difference is shown first; all of it is done, or nothing.
    """
    app = create_app()
    require_tables()
    schema.fit_models()
    found_account = _find_account(account)
    try:
        rows = list(_read_rows(file))
        found = differences.find_differences(found_account, rows, prune)
        _show(found, prune)
        if dry_run or not found.changes:
            return
        if not yes and not _is_confirmed():
            click.echo("Nothing was changed.")
            context.exit(1)
        unbind = app.config["ON_REMOVE"] == UNBIND
        now = local_now(app.config["TIMEZONE"])
        differences.apply_differences(found_account, rows, prune, found, unbind, now)
    except RestcommError as error:
        raise Mistake(f"{file}: {error.message}.") from error
    except differences.StaleDifferences as error:
        raise Mistake("Nothing was changed; the applications have changed meanwhile.") from error
    click.echo(f"Done: {_count(found)}.")


def _find_account(name):
    found = account_queries.find_account(name)
    if found is None:
        raise Mistake(f"--account {name!r} is no account's e-mail address or sid.")
    if found.status == CLOSED:
        raise Mistake(f"--account {name!r} is closed.")
    return found


def _read_rows(file):
    split = _SPLIT.get(file.suffix.lower())
    if split is None:
        raise Mistake(f"{file} must end in {', '.join(_SPLIT)}.")
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise Mistake(f"{file} cannot be read: {error.strerror}.") from error
    return split(bulk_rows.decode(octets))


def _is_confirmed():
    try:
        return click.confirm("Do this now?")
    except click.Abort as no_answer:
        raise Mistake("Nothing was changed; apply needs an answer, or --yes.") from no_answer


def _show(found, prune):
    """Print the differences, one application after the other, and their number."""
    for each in found.changes:
        change = each.change
        sid = f"{change.sid} " if change.sid else ""
        say(f"{_MARKS[change.action]} {sid}{each.friendly_name!r}")
        for column, value in change.values.items():
            if change.action == bulk.UPDATE:
                say(f"    {parameter_of(column)}: {each.before[column]!r} -> {value!r}")
            elif value and column not in ("friendly_name", "api_version"):
                say(f"    {parameter_of(column)}: {value!r}")
    others = f", {found.others} not in the file are left" if found.others and not prune else ""
    say(f"To do: {_count(found)}{others}.")


def _count(found):
    actions = [each.change.action for each in found.changes]
    return _COUNTS.format(**{action: actions.count(action) for action in bulk.ACTIONS})
