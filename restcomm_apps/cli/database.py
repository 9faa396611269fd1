"""Commands on the database as a whole."""

import shlex

import click

from restcomm_apps.app import create_app
from restcomm_apps.domain import sids, tokens
from restcomm_apps.domain.dates import local_now
from restcomm_apps.domain.roles import ADMINISTRATOR
from restcomm_apps.resources.accounts import queries
from restcomm_apps.store import models, schema
from restcomm_apps.store.database import database

from .group import commands

# Every address of a machine, and the one by which it reaches itself.
_OWN_ADDRESSES = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


@commands.command("init-db")
@click.option(
    "--first-account",
    is_flag=True,
    help=f"If there is no account, add {sids.FIRST_EMAIL_ADDRESS} and print how to call the "
    "service.",
)
def init_db(first_account: bool) -> None:
    """Create the tables that are missing; safe to repeat."""
    app = create_app()
    now = local_now(app.config["TIMEZONE"])
    added = None
    with database.atomic():
        schema.create_tables(now)
        if first_account and not models.Account.select().exists():
            added = queries.add_account(
                sids.FIRST_EMAIL_ADDRESS,
                tokens.new_token(),
                now,
                friendly_name="Default Administrator Account",
                parent=None,
                role=ADMINISTRATOR,
            )
    if added is not None:
        click.echo("The first account; its token is shown only now:")
        click.echo(_curl_line(app, added))


def _curl_line(app, account):
    option, origin = _address(app.config["BIND"])
    url = f"{origin}{app.config['BASE_PATH']}/Accounts/{account.sid}"
    return f"curl {option}-u {account.sid}:{account.auth_token} {url}/Applications.json"


def _address(bind):
    """Return curl's option and the origin by which this machine reaches the service."""
    if bind.startswith("unix:"):
        return f"--unix-socket {shlex.quote(bind.removeprefix('unix:'))} ", "http://localhost"
    host, _, port = bind.rpartition(":")
    return "", f"http://{_OWN_ADDRESSES.get(host, host)}:{port}"
