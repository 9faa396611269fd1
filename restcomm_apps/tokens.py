"""Auth tokens: how they come about, and whether a password is one."""

import hashlib
import hmac
import secrets


def new_token():
    """Make a new random token: 32 hex digits, which no known password stands for."""
    return secrets.token_hex(16)


def token_of(password):
    """Derive the auth token that a password stands for. Source: legacy/SCHEMA.md, md5 hex."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def is_same(token, text):
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(token.encode(), text.encode())
