"""What replies say to caches and browsers beside their contents."""

from flask import Request, Response

from .target import MALFORMED

# A year, in seconds.
_HSTS = "max-age=31536000"


def forbid_shared_caches(reply: Response, request: Request, base_path: str) -> None:
    """Mark what the original marked; forbid every cache what holds tokens, and the state of health.

    Source: legacy/exchanges.json.
    """
    endpoint = request.endpoint or ""
    if endpoint == "health.read_health" or _may_hold_tokens(reply, request, endpoint):
        reply.headers["Cache-Control"] = "no-store"
    elif (
        request.method not in ("POST", "TRACE")
        and f"{request.path}/".startswith(f"{base_path}/")
        and request.environ[MALFORMED] is None
    ):
        reply.headers.setdefault("Cache-Control", "private")


def _may_hold_tokens(reply, request, endpoint):
    of_accounts = endpoint.startswith("accounts.") and endpoint != "accounts.logout"
    return of_accounts and reply.status_code == 200 and request.method != "OPTIONS"


def harden(reply: Response, request: Request) -> None:
    """Forbid browsers to guess media types and, once seen over TLS, to come without it."""
    reply.headers.add("X-Content-Type-Options", "nosniff")
    if request.scheme == "https":
        reply.headers["Strict-Transport-Security"] = _HSTS
