"""Who acts at this moment: a client's request or an operator's command.

It is noted once where it begins, so that what is written far below can say who wrote it.
"""

import os
import pwd
import re
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


_NOBODY = Caller("")
_current: ContextVar[Caller] = ContextVar("caller")


def current() -> Caller:
    """Return who acts in this context; a Caller without names where that was not noted."""
    return _current.get(_NOBODY)


def current_account_sid() -> str | None:
    """Return the sid of the account that acts in this context, None for an operator."""
    return current().effective_account_sid


def enter_request(address: str | None, request_id: str | None) -> str:
    """Begin a client's request and return its id; one that is missing or odd is replaced.

    ``address`` is the client's, or empty behind a socket file.
    """
    if request_id is None or not _SANE_REQUEST_ID.fullmatch(request_id):
        request_id = _new_request_id()
    known = (address or _UNIX)[:_ADDRESS_LENGTH]
    _current.set(Caller(request_id, address=known))
    return request_id


def enter_account(account_sid: str) -> None:
    """Name the effective account of the request, once its credentials are known."""
    caller = current()
    _current.set(Caller(caller.request_id, account_sid, caller.address))


def enter_command() -> None:
    """Begin a command of the command line, run by the user who owns this process."""
    _current.set(Caller(_new_request_id(), operator=_user_name()))


def _new_request_id() -> str:
    return os.urandom(16).hex()


def _user_name() -> str:
    # Not from the environment, where anybody may write any name.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
