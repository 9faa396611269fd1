"""Commands that run the service and show how it is set."""

import os

import click

from restcomm_apps import config
from restcomm_apps.app import create_app
from restcomm_apps.audit import trail
from restcomm_apps.server import processes
from restcomm_apps.setting_values import read_bind
from restcomm_apps.store.mariadb import CONNECTIONS

from .base import require_tables, require_trail, say, warn_of_readers
from .group import commands
from .mistakes import Mistake


@commands.command()
@click.option(
    "--bind",
    metavar="HOST:PORT",
    help="Where to listen; unix:PATH for a socket file.  [default: the setting BIND]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=processes.DEFAULT_WORKERS,
    help="Processes.  [default: one a core, at most 4]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=CONNECTIONS,
    show_default=True,
    help="Connections of each process to a MariaDB with which one account may write; two more are "
    "left to others and to reads.",
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
def serve(
    bind: str | None, workers: int, threads: int, certfile: str | None, keyfile: str | None
) -> None:
    """Serve the API under gunicorn until a signal ends it."""
    _check_certificate(certfile, keyfile)
    app = create_app()
    require_tables()
    if app.config["AUDIT"] == trail.REQUIRED:
        require_trail()
    warn_of_readers()
    trail.are_kept()  # Where they are not it warns; better now than at the first change.
    app.extensions["store"].database.share(connections=threads)
    # Last: while another service has the port, what else is wrong is told all the same.
    bind = _choose_bind(bind, app.config["BIND"])
    processes.serve(app, bind, workers, certfile, keyfile)


def _choose_bind(option, setting):
    name, bind = ("BIND=", setting) if option is None else ("--bind ", option)
    try:
        processes.check_bind(read_bind(bind))
    except OSError as error:
        raise Mistake(f"{name}{bind} cannot be used: {error.strerror}.") from error
    except ValueError as error:
        raise Mistake(f"{name}{bind} is neither HOST:PORT nor unix:PATH.") from error
    return bind


def _check_certificate(certfile, keyfile):
    if bool(certfile) != bool(keyfile):
        raise Mistake("--certfile and --keyfile must be given together.")
    if certfile is None:
        return
    try:
        processes.tls_context(certfile, keyfile)
    except (OSError, ValueError) as error:
        raise Mistake(
            f"--certfile {certfile} and --keyfile {keyfile} are not a PEM certificate and its key."
        ) from error


@commands.command()
def settings() -> None:
    """Show every setting, its value and where it came from."""
    chosen = config.load(os.environ)
    width = max(len(one.setting.name) for one in chosen)
    for one in chosen:
        say(f"{one.setting.name:{width}}  {one.shown or '(empty)'}  ({one.origin})")
