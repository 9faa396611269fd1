"""What the commands share: what they need of the database, and how they print."""

import os
import shlex

import click

from restcomm_apps.audit import trail
from restcomm_apps.store import files as database_files
from restcomm_apps.store import schema
from restcomm_apps.store.database import database, is_mysql

from .mistakes import Mistake
from .terminal import printable


def say(line: str, err: bool = False) -> None:
    """Print a line that may hold texts of clients or of the database; it stays one line.

    ``err`` prints it on standard error.
    """
    click.echo(printable(line), err=err)


def is_confirmed(asker: str, err: bool = False) -> bool:
    """Ask whether to do what was shown, on standard error with ``err``.

    ``asker`` is the command or the option that needs the answer. Raises Mistake where nobody can
    answer.
    """
    try:
        return click.confirm("Do this now?", err=err)
    except click.Abort as error:
        raise Mistake(f"Nothing was changed; {asker} needs an answer, or --yes.") from error


def require_database() -> None:
    """Raise Mistake where a SQLite file is not there: connecting would make an empty one."""
    if not is_mysql() and not os.path.isfile(database.database):
        raise Mistake(
            f"There is no database {database.database} as the setting DATABASE_URL names it; "
            '"restcomm-apps init-db" makes one.'
        )


def require_trail() -> None:
    """Raise Mistake where the database lacks the tables of the audit trail."""
    require_database()
    if not trail.has_tables():
        raise Mistake('The database has no audit trail; "restcomm-apps init-db" makes its tables.')


def require_tables() -> None:
    """Raise Mistake where the database lacks one of Restcomm's tables."""
    require_database()
    missing = schema.missing_tables()
    if missing:
        raise Mistake(
            f"The database {database.database} lacks {', '.join(missing)}; "
            'create its tables with "restcomm-apps init-db".'
        )


def warn_of_readers() -> None:
    """Say on standard error if others may read the files of a SQLite database."""
    exposed = [] if is_mysql() else database_files.find_exposed(database.database)
    if exposed:
        names = " ".join(map(shlex.quote, exposed))
        say(
            f"restcomm-apps: Not only their owner may read or write {', '.join(exposed)}. Every "
            f"token is there; end that with: chmod 600 {names}",
            err=True,
        )
