"""Auth tokens: how they are made, compared and hidden."""

import hashlib
import hmac
import re
import secrets

# Not what follows the two letters of a sid.
_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32}(?![0-9A-Za-z])")


def new_token() -> str:
    """Make a new random token: 32 hex digits, which no known password stands for."""
    return secrets.token_hex(16)


def token_of(password: str) -> str:
    """Derive the auth token that a password stands for. Source: legacy/SCHEMA.md, md5 hex."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def is_same(token: str, text: str) -> bool:
    """Return whether a text is a token, in a time that does not show where they differ."""
    return hmac.compare_digest(token.encode(), text.encode())


def hide(text: str) -> str:
    """Return a text for the log without what has the form of a token."""
    return _TOKEN.sub("(a token)", text)
