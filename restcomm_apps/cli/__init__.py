"""The command line: what an operator does with the service, and one sentence for each mistake."""

import sys

import click
import peewee

from restcomm_apps import config

from . import (
    accounts,
    apply,
    audit,
    check_db,
    database,
    service,
    terminal,
)
from . import (
    transfer as move,
)
from .base import commands

# Named, so that each registers its commands with the group.
COMMAND_MODULES = (accounts, apply, audit, check_db, database, move, service)


def main():
    """Run the command line; a mistake ends in one sentence and exit code 2."""
    try:
        sys.exit(commands.main(standalone_mode=False))
    except click.Abort:
        sys.exit("restcomm-apps: interrupted")
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message(), err=True)
        sys.exit(help_text.exit_code)
    except click.ClickException as mistake:
        sentence = mistake.format_message()
    except config.ConfigError as mistake:
        sentence = str(mistake)
    except peewee.PeeweeException as error:
        sentence = f"The database cannot be used: {error}"
    click.echo(f"restcomm-apps: {terminal.printable(sentence)}", err=True)
    sys.exit(2)
