"""The commands: their names, and where each is. What it needs is imported when it is called.

Flask, Peewee and the others take ten times as long to import as a help takes to be shown.
"""

import importlib
from typing import NamedTuple

import click

from restcomm_apps import __version__


class Place(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    summary: str


PLACES = {
    "add-account": Place("accounts", "Add an account and print its sid and auth token."),
    "apply": Place("apply", "Make an account's applications what a YAML or CSV file says."),
    "audit": Place("audit", "Show and check the audit trail."),
    "check-db": Place("check_db", "Check an existing database; exit code 1 if something is..."),
    "export": Place("transfer", "Write everything to FILE, or to standard output, for..."),
    "import": Place("transfer", "Take organizations, accounts, applications, numbers and..."),
    "init-db": Place("database", "Create the tables that are missing; safe to repeat."),
    "restore": Place("audit", "Bring a removed application back, or an earlier state of..."),
    "rotate-token": Place("accounts", "Give an account a second auth token, valid beside the..."),
    "serve": Place("service", "Serve the API under gunicorn until a signal ends it."),
    "settings": Place("service", "Show every setting, its value and where it came from."),
}


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context | None) -> list[str]:
        """List the names in their order."""
        return list(PLACES)

    def get_command(self, ctx: click.Context | None, cmd_name: str) -> click.Command | None:
        """Return the command of a name, or None."""
        if cmd_name in PLACES:
            importlib.import_module(f"{__package__}.{PLACES[cmd_name].module}")
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in PLACES.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="restcomm-apps")
def commands() -> None:
    """Restcomm's Applications API as a lightweight service.

    Settings are read from RESTCOMM_APPS_* environment variables or from the INI file that
    RESTCOMM_APPS_CONFIG names; see "restcomm-apps settings".
    """
    importlib.import_module("restcomm_apps.audit.actor").enter_command()
