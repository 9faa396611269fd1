"""Commands on accounts."""

import sys
from collections.abc import Callable

import click
from click.core import ParameterSource

from restcomm_apps import errors
from restcomm_apps.app import create_app
from restcomm_apps.domain.dates import local_now
from restcomm_apps.domain.roles import ADMINISTRATOR
from restcomm_apps.domain.tokens import new_token
from restcomm_apps.resources.accounts import forms, queries, token_rotation
from restcomm_apps.resources.parameters import FRIENDLY_NAME_LENGTH, read_friendly_name

from .base import require_tables
from .group import commands
from .mistakes import Mistake


class EmailType(click.ParamType):
    """An e-mail address that can stand in a URL and before the colon of HTTP Basic."""

    name = "email"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address or fail with a sentence."""
        if not forms.is_email_address(value):
            self.fail(f"{value!r} is no e-mail address", param, ctx)
        return value


@commands.command("add-account")
@click.argument("email", type=EmailType())
@click.option("--name", help="Its friendly name; the e-mail address if not given.")
@click.option("--parent", metavar="SID", help="The account above it; none for a top account.")
@click.option(
    "--role",
    default=ADMINISTRATOR,
    show_default=True,
    help="Administrator, Developer or a role of the setting ROLES.",
)
@click.option(
    "--password",
    prompt=True,
    prompt_required=False,
    hide_input=True,
    confirmation_prompt=True,
    help="Its password; asked for if the value is left out. Without it the token is random.",
)
@click.option("--password-stdin", is_flag=True, help="Read its password from a line of input.")
@click.pass_context
def add_account(
    context: click.Context,
    email: str,
    name: str | None,
    parent: str | None,
    role: str,
    password: str | None,
    password_stdin: bool,
) -> None:
    """Add an account and print its sid and auth token."""
    app = create_app()
    require_tables()
    if role not in app.config["ROLES"]:
        raise Mistake(f"--role {role} is not known; known are {', '.join(app.config['ROLES'])}.")
    name = email[:FRIENDLY_NAME_LENGTH] if name is None else name
    _read(read_friendly_name, name, "--name")
    above = None if parent is None else queries.find_account(parent)
    if parent is not None and above is None:
        raise Mistake(f"--parent {parent!r} is not the sid of an account.")
    token = _read_token(password, password_stdin)
    if context.get_parameter_source("password") is ParameterSource.COMMANDLINE:
        _warn_of_the_list_of_processes()
    try:
        now = local_now(app.config["TIMEZONE"])
        account = queries.add_account(
            email, token, now, friendly_name=name, parent=above, role=role
        )
    except errors.AccountExists as error:
        raise Mistake(f"{email} has an account already.") from error
    except errors.AccountClosed as error:
        raise Mistake(f"--parent {parent!r} is closed.") from error
    click.echo(f"sid:   {account.sid}\ntoken: {account.auth_token}")


def _read(read: Callable[[str, str], str], text: str, option: str) -> str:
    """Read an option by the rule of the parameter of the same meaning."""
    try:
        return read(text, option)
    except errors.InvalidParameter as error:
        raise Mistake(f"{error.message}.") from error


def _read_token(password: str | None, from_stdin: bool) -> str:
    """Return the token that a password stands for, or a new one."""
    if from_stdin:
        password = _read_line(password)
    option = "--password-stdin" if from_stdin else "--password"
    return new_token() if password is None else _read(forms.read_password, password, option)


def _read_line(password: str | None) -> str:
    if password is not None:
        raise Mistake("--password and --password-stdin must not be given together.")
    return sys.stdin.readline().rstrip("\r\n")


def _warn_of_the_list_of_processes():
    click.echo(
        "restcomm-apps: others may read the password in the list of processes; leave its value out "
        "to be asked for it, or use --password-stdin.",
        err=True,
    )


@commands.command("rotate-token")
@click.argument("account", metavar="EMAIL|SID")
@click.option("--promote", is_flag=True, help="Make the second token the first; the old one ends.")
@click.option("--cancel", is_flag=True, help="Drop the second token.")
def rotate_token(account: str, promote: bool, cancel: bool) -> None:
    """Give an account a second auth token, valid beside the first, and print it."""
    if promote and cancel:
        raise Mistake("--promote and --cancel must not be given together.")
    app = create_app()
    require_tables()
    found = queries.find_account(account)
    if found is None:
        raise Mistake(f"{account!r} is no account's e-mail address or sid.")
    step = token_rotation.STEPS["promote" if promote else "cancel" if cancel else "rotate"]
    try:
        changed = step(found, local_now(app.config["TIMEZONE"]))
    except errors.RestcommError as error:
        raise Mistake(f"{error.message}.") from error
    if not promote and not cancel:
        click.echo(f"token: {changed.new_token}")
