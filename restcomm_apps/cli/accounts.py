"""Commands on accounts."""

import secrets

import click

from .. import account_forms, account_queries, errors, tokens
from ..app import create_app
from ..dates import local_now
from .base import Mistake, commands, require_tables


class EmailType(click.ParamType):
    """An e-mail address that can stand in a URL and before the colon of HTTP Basic."""

    name = "email"

    def convert(self, value, param, ctx):
        """Return the address or fail with a sentence."""
        if not account_forms.is_email_address(value):
            self.fail(f"{value!r} is no e-mail address", param, ctx)
        return value


@commands.command("add-account")
@click.argument("email", type=EmailType())
@click.option("--name", help="Its friendly name; the e-mail address if not given.")
@click.option("--parent", metavar="SID", help="The account above it; none for a top account.")
@click.option(
    "--role",
    default="Administrator",
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
def add_account(email, name, parent, role, password):
    """Add an account and print its sid and auth token."""
    app = create_app()
    require_tables()
    if role not in app.config["ROLES"]:
        raise Mistake(f"--role {role} is not known; known are {', '.join(app.config['ROLES'])}.")
    if password == "":
        raise Mistake("--password must not be empty.")
    name = email if name is None else name
    if not 1 <= len(name) <= 64:
        raise Mistake("--name must have 1 to 64 characters.")
    above = None if parent is None else account_queries.find_account(parent)
    if parent is not None and above is None:
        raise Mistake(f"--parent {parent!r} is not the sid of an account.")
    token = tokens.token_of(password) if password else secrets.token_hex(16)
    try:
        account = account_queries.add_account(
            email,
            token,
            local_now(app.config["TIMEZONE"]),
            friendly_name=name,
            parent=above,
            role=role,
        )
    except errors.AccountExists as error:
        raise Mistake(f"{email} has an account already.") from error
    except errors.AccountClosed as error:
        raise Mistake(f"--parent {parent!r} is closed.") from error
    click.echo(f"sid:   {account.sid}\ntoken: {account.auth_token}")
