"""Restcomm's identifiers: 34 characters, a two-letter prefix and 32 hex digits."""

import hashlib
import re
import uuid

ORGANIZATION = "OR"
ACCOUNT = "AC"
APPLICATION = "AP"
NUMBER = "PN"
CLIENT = "CL"

FIRST_EMAIL_ADDRESS = "administrator@company.com"
FIRST_ACCOUNT_SID = "ACae6e420f425248d6a26948c17a9e2acf"

_SID = re.compile(r"[a-zA-Z0-9]{34}")


def new_sid(prefix: str) -> str:
    """Make a new random sid, e.g. ``AP`` and 32 lower-case hex digits."""
    return prefix + uuid.uuid4().hex


def account_sid_of(email_address: str) -> str:
    """Derive an account's sid from its e-mail address: ``AC`` + md5 hex.

    The first account of every Restcomm has one of its own. Source: legacy/SCHEMA.md.
    """
    if email_address == FIRST_EMAIL_ADDRESS:
        return FIRST_ACCOUNT_SID
    return ACCOUNT + hashlib.md5(email_address.encode(), usedforsecurity=False).hexdigest()


def is_sid(text: str) -> bool:
    """Return whether a text has the form of a sid, whatever its prefix.

    Source: legacy/FORMAT.md, the original takes any 34 ASCII letters and digits.
    """
    return _SID.fullmatch(text) is not None
