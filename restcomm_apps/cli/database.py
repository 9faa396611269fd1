"""Commands on the database as a whole."""

import click

from .. import account_queries, models, schema, server, sids, tokens
from ..app import create_app
from ..database import database
from ..dates import local_now
from .base import commands


@commands.command("init-db")
@click.option(
    "--first-account",
    is_flag=True,
    help=f"If there is no account, add {sids.FIRST_EMAIL_ADDRESS} and print how to call the service.",
)
def init_db(first_account):
    """Create the tables that are missing; safe to repeat."""
    app = create_app()
    now = local_now(app.config["TIMEZONE"])
    added = None
    with database.atomic():
        schema.create_tables(now)
        if first_account and not models.Account.select().exists():
            added = account_queries.add_account(
                sids.FIRST_EMAIL_ADDRESS,
                tokens.new_token(),
                now,
                friendly_name="Default Administrator Account",
                parent=None,
                role="Administrator",
            )
    if added is not None:
        click.echo("The first account; its token is shown only now:")
        click.echo(_curl_line(app, added))


def _curl_line(app, account):
    url = f"http://{server.DEFAULT_BIND}{app.config['BASE_PATH']}/Accounts/{account.sid}"
    return f"curl -u {account.sid}:{account.auth_token} {url}/Applications.json"
