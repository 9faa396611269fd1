"""The command line: what an operator does with the service, and one sentence for each mistake."""

import importlib
import sys

import click

from .group import commands
from .terminal import printable


def main() -> None:
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
    except Exception as error:
        # Imported where there is one, as the commands are.
        sentence = importlib.import_module(".mistakes", __package__).sentence_of(error)
        if sentence is None:
            raise
    click.echo(f"restcomm-apps: {printable(sentence)}", err=True)
    sys.exit(2)
