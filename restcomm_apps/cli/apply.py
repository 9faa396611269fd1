"""The command that makes an account's applications what a file says."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from restcomm_apps.app import create_app
from restcomm_apps.config import UNBIND
from restcomm_apps.domain.dates import local_now
from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.errors import RestcommError
from restcomm_apps.resources.accounts import queries
from restcomm_apps.resources.applications import bulk, plan, row_formats
from restcomm_apps.resources.applications.forms import parameter_of
from restcomm_apps.resources.applications.yaml_rows import split_yaml

from .base import is_confirmed, require_tables, say
from .group import commands
from .mistakes import Mistake

_SPLIT: dict[str, Callable[[str], Iterator[bulk.Row]]] = {
    ".csv": partial(row_formats.split_csv, known=bulk.FILE_NAMES),
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
def apply(
    context: click.Context, file: Path, account: str, dry_run: bool, prune: bool, yes: bool
) -> None:
    """Make an account's applications what a YAML or CSV file says.

    The difference is shown first; all of it is done, or nothing.
    """
    app = create_app()
    require_tables()
    found_account = _find_account(account)
    try:
        rows = list(_read_rows(file))
        made = plan.make_plan(found_account, rows, prune)
        _show(made, prune)
        if dry_run or not made.steps:
            return
        if not yes and not is_confirmed("apply"):
            click.echo("Nothing was changed.")
            context.exit(1)
        unbind = app.config["ON_REMOVE"] == UNBIND
        now = local_now(app.config["TIMEZONE"])
        plan.carry_out(made, found_account, rows, prune, unbind, now)
    except RestcommError as error:
        raise Mistake(f"{file}: {error.message}.") from error
    except plan.StalePlan as error:
        raise Mistake("Nothing was changed; the applications have changed meanwhile.") from error
    click.echo(f"Done: {_count(made)}.")


def _find_account(name):
    found = queries.find_account(name)
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
    return split(row_formats.decode(octets))


def _show(made: plan.Plan, prune: bool) -> None:
    """Print the steps, one application after the other, and their number."""
    for (_, action, sid, values), friendly_name, before in made.steps:
        say(f"{_MARKS[action]} {f'{sid} ' if sid else ''}{friendly_name!r}")
        for column, value in values.items():
            if action == bulk.UPDATE:
                say(f"    {parameter_of(column)}: {before[column]!r} -> {value!r}")
            elif value and column not in ("friendly_name", "api_version"):
                say(f"    {parameter_of(column)}: {value!r}")
    others = f", {made.others} not in the file are left" if made.others and not prune else ""
    say(f"To do: {_count(made)}{others}.")


def _count(made: plan.Plan) -> str:
    actions = [step.row_action.action for step in made.steps]
    return _COUNTS.format(**{action: actions.count(action) for action in bulk.ACTIONS})
