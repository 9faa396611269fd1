"""The command that checks an existing database and mends what is named."""

import json
from typing import Any

import click

from restcomm_apps import checks
from restcomm_apps.app import create_app
from restcomm_apps.store.database import database, is_mysql

from .base import is_confirmed, require_database, warn_of_readers
from .group import commands
from .terminal import printable

_ROW = "{:13}  {:18}  {:>7}  {}"
_INDENT = " " * 15


class CheckNames(click.ParamType):
    """Names of checks that can mend what they find, separated by commas."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> set[str]:
        """Return the set of names or fail with a sentence."""
        if not isinstance(value, str):  # the default
            return value
        names = {name.strip() for name in value.split(",")}
        unknown = sorted(names - set(checks.MENDABLE))
        if unknown:
            known = ", ".join(checks.MENDABLE)
            self.fail(f"{unknown[0]!r} is nothing that can be mended; {known} are", param, ctx)
        return names


@commands.command("check-db")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; docs/check-db.md shows its shape."
)
@click.option(
    "--fix",
    type=CheckNames(),
    default=(),
    metavar="NAME[,NAME]",
    help=f"Mend what these checks find: {', '.join(checks.MENDABLE)}.",
)
@click.option("--yes", is_flag=True, help="Mend without asking.")
@click.pass_context
def check_db(context: click.Context, as_json: bool, fix: set[str], yes: bool) -> None:
    """Check an existing database; exit code 1 if something is wrong.

    Nothing is written but by --fix, which shows what it will do and asks.
    """
    roles = create_app().config["ROLES"]
    require_database()
    warn_of_readers()
    if not fix:
        _forbid_writes()
    found = checks.find_all(roles)
    mended = []
    to_mend = [(check, finding) for check, finding in found if check.name in fix]
    if to_mend:
        _announce(to_mend)
        if yes or is_confirmed("--fix", err=True):
            mended = checks.mend(to_mend)
            found = checks.find_all(roles)
    click.echo(_as_json(found, mended) if as_json else _as_table(found, mended))
    context.exit(1 if any(check.severity == checks.WRONG for check, _ in found) else 0)


def _forbid_writes():
    """Have SQLite refuse every write, and leave the file its kind of journal."""
    if not is_mysql():
        database.init(database.database, pragmas=[("query_only", 1)])


def _announce(to_mend):
    """Say on standard error what will be done."""
    for check, finding in to_mend:
        doing = f"--fix {check.name} {check.mending}: {finding.number} of {_where(finding)}"
        click.echo("\n".join([doing, *_example_lines(finding)]), err=True)


def _where(finding):
    return ".".join(filter(None, (finding.table, finding.column)))


def _totals(found):
    totals = {checks.WRONG: 0, checks.INFORMATIONAL: 0}
    for check, finding in found:
        totals[check.severity] += finding.number
    return totals


def _as_json(found, mended):
    findings = [
        {
            "check": check.name,
            "severity": check.severity,
            "table": finding.table,
            "column": finding.column,
            "count": finding.number,
            "meaning": check.meaning,
            "fix": check.name if finding.statements else None,
            "examples": finding.examples,
        }
        for check, finding in found
    ]
    changes = [
        {"check": check.name, "table": finding.table, "column": finding.column, "count": count}
        for check, finding, count in mended
    ]
    return json.dumps({"findings": findings, "mended": changes, **_totals(found)}, indent=2)


def _as_table(found, mended):
    lines = [
        _ROW.format("mended", check.name, count, _where(finding))
        for check, finding, count in mended
    ]
    for check, finding in found:
        lines.append(_ROW.format(check.severity, check.name, finding.number, _where(finding)))
        advice = f"; mend with --fix {check.name}" if finding.statements else ""
        lines.append(f"{_INDENT}{check.meaning}{advice}")
        lines.extend(_example_lines(finding))
    if lines:
        lines.insert(0, _ROW.format("SEVERITY", "CHECK", "COUNT", "WHERE"))
    totals = ", ".join(f"{count} {severity}" for severity, count in _totals(found).items())
    return "\n".join([*lines, f"Total: {totals}"])


def _example_lines(finding):
    """List a finding's examples as indented lines, and how many there are besides."""
    lines = [
        _INDENT + printable(", ".join(f"{name}={value}" for name, value in example.items()))
        for example in finding.examples
    ]
    more = finding.number - len(lines)
    return [*lines, f"{_INDENT}and {more} more"] if lines and more else lines
