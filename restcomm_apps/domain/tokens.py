"""Auth tokens: how they come about, and whether a password is one."""

import hashlib
import hmac
import re
import secrets

# Not what follows the two letters of a sid.
_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32}(?![0-9A-Za-z])")


def new_token():
    """Make a new random token: 32 hex digits, which no known password stands for."""
    return secrets.token_hex(16)


def token_of(password):
    """Derive the auth token that a password stands for. Source: legacy/SCHEMA.md, md5 hex."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def is_same(token, text):
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(token.encode(), text.encode())


def hide(text):
    """Return a text for the log without what has the form of a token."""
    return _TOKEN.sub("(a token)", text)
