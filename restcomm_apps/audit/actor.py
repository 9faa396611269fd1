"""Who acts at this moment: a client's request or an operator's command.

Told once where it begins, so that what is written far below can say who wrote it.
"""

import os
import pwd
import re
import secrets
from contextvars import ContextVar
from typing import NamedTuple

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")
_ADDRESS_LENGTH = 64
# The peer of a socket file has no address.
_UNIX = "unix"


class Caller(NamedTuple):
    """Who acts; a client has an account and an address, an operator the name of a user."""

    request_id: str
    effective_account_sid: str | None = None
    address: str | None = None
    operator: str | None = None


_current = ContextVar("caller", default=Caller(""))


def current():
    """Give the Caller of this thread; one without names where nobody was told."""
    return _current.get()


def enter_request(address, request_id):
    """Begin a client's request; an id that is missing or odd is replaced by a new one.

    ``address`` is the client's, or empty behind a socket file.
    """
    sane = request_id is not None and _SANE_REQUEST_ID.fullmatch(request_id)
    request_id = request_id if sane else secrets.token_hex(16)
    _current.set(Caller(request_id, address=(address or _UNIX)[:_ADDRESS_LENGTH]))


def enter_account(account_sid):
    """Name the effective account of the request, once its credentials are known."""
    _current.set(current()._replace(effective_account_sid=account_sid))


def enter_command():
    """Begin a command of the command line, run by the user who owns this process."""
    _current.set(Caller(secrets.token_hex(16), operator=_user_name()))


def _user_name():
    # Not from the environment, where anybody may write any name.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
