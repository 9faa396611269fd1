"""What replies say to caches and browsers beside their contents."""

from flask import Request

from .replies import Reply
from .target import MALFORMED

_NO_STORE = ("Cache-Control", "no-store")
_PRIVATE = ("Cache-Control", "private")
# Browsers guess no media types and, once seen over TLS, do not come without it.
_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
# A year, in seconds.
_TLS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def list_headers(reply: Reply, request: Request, base_path: str) -> list[tuple[str, str]]:
    """List what goes with a reply to a request."""
    headers = [_NO_SNIFFING]
    if request.scheme == "https":
        headers.append(_TLS_ONLY)
    if caching := _choose_caching(reply, request, base_path):
        headers.append(caching)
    return headers


def _choose_caching(reply, request, base_path):
    """Mark what the original marked; forbid every cache what holds tokens, and the state of health.

    Source: legacy/exchanges.json.
    """
    endpoint = request.endpoint or ""
    if endpoint == "health.read_health" or _may_hold_tokens(reply, request, endpoint):
        return _NO_STORE
    if (
        request.method not in ("POST", "TRACE")
        and f"{request.path}/".startswith(f"{base_path}/")
        and request.environ[MALFORMED] is None
    ):
        return _PRIVATE
    return None


def _may_hold_tokens(reply, request, endpoint):
    of_accounts = endpoint.startswith("accounts.") and endpoint != "accounts.logout"
    return of_accounts and reply.status_code == 200 and request.method != "OPTIONS"
