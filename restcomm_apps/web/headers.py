"""What replies say to caches and browsers beside their contents."""

from flask import current_app

from . import target as suffix

# A year, in seconds.
_HSTS = "max-age=31536000"


def forbid_shared_caches(reply, request):
    """Mark what the original marked, and forbid every cache what holds tokens.

    Source: legacy/exchanges.json.
    """
    if _may_hold_tokens(reply, request):
        reply.headers["Cache-Control"] = "no-store"
    elif (
        request.method not in ("POST", "TRACE")
        and f"{request.path}/".startswith(current_app.config["BASE_PATH"] + "/")
        and request.environ[suffix.MALFORMED] is None
    ):
        reply.headers.setdefault("Cache-Control", "private")


def _may_hold_tokens(reply, request):
    of_accounts = request.blueprint == "accounts" and request.endpoint != "accounts.logout"
    return of_accounts and reply.status_code == 200 and request.method != "OPTIONS"


def harden(reply, request):
    """Forbid browsers to guess media types and, once seen over TLS, to come without it."""
    reply.headers.add("X-Content-Type-Options", "nosniff")
    if request.is_secure:
        reply.headers["Strict-Transport-Security"] = _HSTS
