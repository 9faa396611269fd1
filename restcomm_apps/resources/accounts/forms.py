"""The parameters of accounts: how each is spelled, its rule, the column it fills."""

import re
from collections.abc import Collection

from restcomm_apps.domain.tokens import token_of
from restcomm_apps.domain.vocabulary import ACTIVE, CLOSED, STATUSES
from restcomm_apps.errors import InvalidParameter, MissingParameter
from restcomm_apps.formats.escapes import IMPOSSIBLE_IN_XML
from restcomm_apps.resources.parameters import (
    FRIENDLY_NAME_LENGTH,
    Parameter,
    Texts,
    Values,
    read_all,
    read_flag,
    read_friendly_name,
    read_word,
)

PASSWORD_LENGTHS = range(8, 129)
EMAIL_ADDRESS_LENGTH = 254

_EMAIL_ADDRESS = re.compile(r"[^\s@:/;]+@[^\s@:/;]+")


def is_email_address(text: str) -> bool:
    """Return whether an e-mail address can stand in a URL and before the colon of HTTP Basic."""
    return (
        len(text) <= EMAIL_ADDRESS_LENGTH
        and _EMAIL_ADDRESS.fullmatch(text) is not None
        and IMPOSSIBLE_IN_XML.search(text) is None
    )


def values_to_create(form: Texts, roles: Collection[str]) -> Values:
    """Validate the parameters of a new account into its columns; ``role`` only where it is sent.

    ``roles`` are the names of the roles there are. Raises MissingParameter, InvalidParameter
    (400).
    """
    for name in ("EmailAddress", "Password"):
        if name not in form:
            raise MissingParameter(name)
    email_address = form["EmailAddress"]
    if not is_email_address(email_address):
        raise InvalidParameter("EmailAddress", "be an e-mail address without spaces, : ; or /")
    defaults = {"friendly_name": email_address[:FRIENDLY_NAME_LENGTH], "status": ACTIVE}
    values = defaults | values_to_update(form, roles) | {"email_address": email_address}
    if values["status"] == CLOSED:
        raise InvalidParameter("Status", "not be closed for a new account")
    return values


def values_to_update(form: Texts, roles: Collection[str]) -> Values:
    """Validate the parameters that change an account into those of its columns they change.

    Parameters that are unknown or cannot change are ignored. Raises InvalidParameter (400).
    """
    values = read_all(form, _PARAMETERS)
    if "role" in values and values["role"] not in roles:
        raise InvalidParameter("Role", "be Administrator, Developer or a role of the setting ROLES")
    return values


def read_token_step(form: Texts) -> str | None:
    """Read which step of ``token_rotation.STEPS`` is to be taken, or None.

    Raises InvalidParameter (400) beside anything else that changes the account.
    """
    names = [name for name in _TOKEN_STEPS if read_flag(form.get(name, "false"), name)]
    if not names:
        return None
    if len(names) > 1 or any(parameter.name in form for parameter in _PARAMETERS):
        raise InvalidParameter(names[0], "be the only parameter that changes the account")
    return _TOKEN_STEPS[names[0]]


def read_password(text: str, name: str) -> str:
    """Read a password into the auth token that it stands for. Raises InvalidParameter (400)."""
    if len(text) not in PASSWORD_LENGTHS:
        raise InvalidParameter(
            name, f"have {PASSWORD_LENGTHS.start} to {PASSWORD_LENGTHS.stop - 1} characters"
        )
    return token_of(text)


def _read_role(text: str, name: str) -> str:
    return text


def _read_status(text: str, name: str) -> str:
    return read_word(text, name, STATUSES)


_TOKEN_STEPS = {"RotateToken": "rotate", "PromoteToken": "promote", "CancelToken": "cancel"}
_PARAMETERS = (
    Parameter("FriendlyName", "friendly_name", read_friendly_name),
    Parameter("Password", "auth_token", read_password),
    Parameter("Role", "role", _read_role),
    Parameter("Status", "status", _read_status),
)
