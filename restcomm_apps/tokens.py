"""Auth tokens: how they come about."""

import hashlib


def token_of(password):
    """Derive the auth token that a password stands for. Source: legacy/SCHEMA.md, md5 hex."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
