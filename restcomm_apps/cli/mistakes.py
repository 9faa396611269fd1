"""What an operator can put right, in a sentence."""

import click
import peewee

from restcomm_apps.config import ConfigError


class Mistake(click.ClickException):
    """Something the operator can put right; the text says what."""


def sentence_of(error: Exception) -> str | None:
    """Return what an error that ended a command says to the operator; None for one of ours."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, peewee.PeeweeException):
        return f"The database cannot be used: {error}"
    return None
