"""Commands that move rows: from a Restcomm or an export, and out to a file."""

import os
import sys
import tempfile
from contextlib import contextmanager

import click

from restcomm_apps.app import create_app
from restcomm_apps.store.database import database
from restcomm_apps.transfer import loader, sources
from restcomm_apps.transfer.database_rows import count_rows, present_tables, snapshot
from restcomm_apps.transfer.export_file import write_lines
from restcomm_apps.transfer.rows import MODELS

from .base import require_tables, say
from .group import commands
from .mistakes import Mistake


@commands.command("import")
@click.argument("source")
@click.option(
    "--dry-run", is_flag=True, help="Show what would be added and changed, and change nothing."
)
@click.option(
    "--account",
    "account_sids",
    metavar="SID",
    multiple=True,
    help="Take this account and what belongs to it, but not its sub-accounts; repeatable.",
)
@click.option("--skip-bad", is_flag=True, help="Take the rest where rows cannot be taken.")
def import_rows(source: str, dry_run: bool, account_sids: tuple[str, ...], skip_bad: bool) -> None:
    """Take organizations, accounts, applications, numbers and clients from SOURCE.

    SOURCE is the URL of a Restcomm's database, its restcomm.script of HSQLDB, or a file that export
    wrote. What is there already and equal stays untouched, what differs becomes as in SOURCE,
    nothing is removed. All of it is taken, or nothing.
    """
    app = create_app()
    require_tables()
    try:
        with sources.open_source(source) as opened:
            _check_zone(opened.zone_name, app.config["TIMEZONE"].key)
            difference, refused = _load(opened, dry_run, account_sids, skip_bad)
    except sources.CannotRead as error:
        raise Mistake(f"{error}.") from error
    _show_bad(difference)
    if dry_run or not refused:
        _show(difference, dry_run)
    if refused:
        raise Mistake(
            f"Nothing {'would be' if dry_run else 'was'} imported, because {difference.bad_count} "
            "of the rows cannot be taken; --skip-bad takes the rest."
        )


def _check_zone(zone_name, own_zone_name):
    if zone_name not in (None, own_zone_name):
        raise Mistake(
            f"The source holds dates of {zone_name}, and the setting TIMEZONE is {own_zone_name}."
        )


def _load(opened, dry_run, account_sids, skip_bad):
    """Load in one transaction; return the Difference, and whether it was undone for bad rows."""
    chosen = loader.belonging_to(account_sids, opened) if account_sids else opened
    with _progress(opened.size) as advance:

        def progress() -> None:
            advance(opened.position)

        if dry_run:
            difference = loader.load(chosen, False, progress)
            return difference, bool(difference.bad_count) and not skip_bad
        with database.atomic() as transaction:
            difference = loader.load(chosen, True, progress)
            refused = bool(difference.bad_count) and not skip_bad
            if refused:
                transaction.rollback()
        return difference, refused


@contextmanager
def _progress(size):
    """Show a progress bar on a terminal; yield a function that takes the position."""
    terminal = sys.stderr.isatty()
    with click.progressbar(length=size, hidden=not terminal or not size, file=sys.stderr) as bar:
        yield lambda position: bar.update(position - bar.pos)


def _show_bad(difference):
    for where, reason in difference.bad:
        say(f"{where}: {reason}", err=True)
    if difference.bad_count > len(difference.bad):
        click.echo(f"and {difference.bad_count - len(difference.bad)} more", err=True)


def _show(difference, dry_run):
    heading = "would be" if dry_run else ""
    width = max(map(len, MODELS))
    click.echo(f"{heading:{width}}    added  changed     same")
    for table in MODELS:
        counts = (difference.added[table], difference.changed[table], difference.same[table])
        click.echo(f"{table:{width}} " + " ".join(f"{count:8}" for count in counts))
    for (table, column), count in sorted(difference.columns.items()):
        click.echo(f"changed rows by {table}.{column}: {count}")
    for table, columns in sorted(difference.unknown.items()):
        say(f"left out of {table}, no place for it: {', '.join(sorted(columns))}")


@commands.command("export")
@click.argument("file", default="-")
def export_rows(file: str) -> None:
    """Write everything to FILE, or to standard output, for import to read back.

    The file appears when it is complete. It holds auth tokens and is for its owner's eyes only.
    """
    app = create_app()
    require_tables()
    with _opened(file) as output, snapshot(database):
        present = present_tables(database)
        size = sum(count_rows(database, table) for table in present)
        with _progress(size) as advance:
            write_lines(database, app.config["TIMEZONE"].key, output, advance)


@contextmanager
def _opened(path):
    """Open a file that takes its place once all of it is on disk; "-" is standard output."""
    if path == "-":
        yield sys.stdout
        return
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise Mistake(f"{path} is no file that can be replaced.")
    draft = None
    try:
        descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".export-")
        with open(descriptor, "w", encoding="ascii") as output:
            yield output
            output.flush()
            os.fsync(descriptor)
        os.replace(draft, path)
        draft = None
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if draft is not None:
            os.unlink(draft)
