"""The command line: what an operator does with the service, and one sentence for each mistake."""

import os
import re
import secrets
import ssl
import sys

import click
import peewee

from . import __version__, auth, config, models, queries, server, sids
from .app import create_app
from .database import database
from .dates import local_now

_EMAIL = re.compile(r"[^\s@:/;]+@[^\s@:/;]+")


class Mistake(click.ClickException):
    """Something the operator can put right; the text says what."""


class EmailType(click.ParamType):
    """An e-mail address that can stand in a URL and before the colon of HTTP Basic."""

    name = "email"

    def convert(self, value, param, ctx):
        """Return the address or fail with a sentence."""
        if not _EMAIL.fullmatch(value):
            self.fail(f"{value!r} is no e-mail address", param, ctx)
        return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="restcomm-apps")
def commands():
    """Restcomm's Applications API as a lightweight service.

    Settings are read from RESTCOMM_APPS_* environment variables or from the INI file that
    RESTCOMM_APPS_CONFIG names; see "restcomm-apps settings".
    """


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
        models.create_tables(now)
        if first_account and not models.Account.select().exists():
            added = queries.add_account(
                sids.FIRST_EMAIL_ADDRESS,
                secrets.token_hex(16),
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
    _require_tables()
    if role not in app.config["ROLES"]:
        raise Mistake(f"--role {role} is not known; known are {', '.join(app.config['ROLES'])}.")
    if password == "":
        raise Mistake("--password must not be empty.")
    name = email if name is None else name
    if not 1 <= len(name) <= 64:
        raise Mistake("--name must have 1 to 64 characters.")
    above = None if parent is None else queries.find_account(parent)
    if parent is not None and above is None:
        raise Mistake(f"--parent {parent!r} is not the sid of an account.")
    token = auth.token_of(password) if password else secrets.token_hex(16)
    try:
        account = queries.add_account(
            email,
            token,
            local_now(app.config["TIMEZONE"]),
            friendly_name=name,
            parent=above,
            role=role,
        )
    except queries.AccountExists as error:
        raise Mistake(f"{email} has an account already.") from error
    click.echo(f"sid:   {account.sid}\ntoken: {account.auth_token}")


@commands.command()
@click.option(
    "--bind",
    default=server.DEFAULT_BIND,
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen; unix:PATH for a socket file.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=server.DEFAULT_WORKERS,
    help="Processes.  [default: one a core, at most 4]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=server.DEFAULT_THREADS,
    show_default=True,
    help="Threads of each process.",
)
@click.option(
    "--certfile",
    type=click.Path(exists=True, dir_okay=False, readable=True),
    help="Serve over TLS with this certificate chain (PEM).",
)
@click.option(
    "--keyfile",
    type=click.Path(exists=True, dir_okay=False, readable=True),
    help="The certificate's private key (PEM).",
)
def serve(bind, workers, threads, certfile, keyfile):
    """Serve the API under gunicorn until a signal ends it."""
    _check_bind(bind)
    _check_certificate(certfile, keyfile)
    app = create_app()
    _require_tables()
    database.close()
    server.serve(app, bind, workers, threads, certfile, keyfile)


def _check_bind(bind):
    try:
        server.check_bind(bind)
    except OSError as error:
        raise Mistake(f"--bind {bind} cannot be used: {error.strerror}.") from error
    except ValueError as error:
        raise Mistake(f"--bind {bind} is neither HOST:PORT nor unix:PATH.") from error


def _check_certificate(certfile, keyfile):
    if bool(certfile) != bool(keyfile):
        raise Mistake("--certfile and --keyfile must be given together.")
    if certfile is None:
        return
    try:
        # A key with a pass phrase is refused instead of asked for: nobody answers a service.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, keyfile, password="")
    except (OSError, ValueError) as error:
        raise Mistake(
            f"--certfile {certfile} and --keyfile {keyfile} are not a PEM certificate and its key."
        ) from error


def _require_tables():
    missing = models.missing_tables()
    if missing:
        raise Mistake(
            f'The database lacks {", ".join(missing)}; create its tables with "restcomm-apps init-db".'
        )


@commands.command()
def settings():
    """Show every setting, its value and where it came from."""
    chosen = config.load(os.environ)
    width = max(len(each.setting.name) for each in chosen)
    for each in chosen:
        click.echo(f"{each.setting.name:{width}}  {each.shown or '(empty)'}  ({each.origin})")


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
    click.echo(f"restcomm-apps: {sentence}", err=True)
    sys.exit(2)
