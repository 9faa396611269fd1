"""Cross-origin requests: which web pages may read the replies.

Whose may change something is the business of ``origins``.
"""

from flask import Request

from .origins import SAFE_METHODS
from .replies import Reply

# Source: legacy/exchanges.json, group cors, and what this service knows beside the original.
_HEADERS = (
    (
        "Access-Control-Allow-Headers",
        "origin, content-type, accept, authorization, "
        "if-match, if-none-match, idempotency-key, x-request-id",
    ),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"),
    (
        "Access-Control-Expose-Headers",
        "ETag, Link, Retry-After, X-Request-ID, Idempotent-Replayed",
    ),
    ("Access-Control-Max-Age", "1209600"),
)


def is_preflight(request: Request, origins: frozenset[str]) -> bool:
    """Return whether a browser asks if a page of one of these origins may send a request."""
    is_asked = "Access-Control-Request-Method" in request.headers
    return is_asked and request.headers.get("Origin") in origins


def list_headers(reply: Reply, request: Request, origins: frozenset[str]) -> list[tuple[str, str]]:
    """List for these origins, of the setting CORS_ORIGINS, the headers that the original sends.

    What the reply varies with is noted in it.
    """
    if origins or request.method not in SAFE_METHODS:
        # Replies to others, too: a cache must not give theirs to an origin of the setting.
        vary = reply.headers.get("Vary")
        reply.headers["Vary"] = f"{vary}, Origin" if vary else "Origin"
    origin = request.environ.get("HTTP_ORIGIN")
    if origin not in origins:
        return []
    return [("Access-Control-Allow-Origin", origin), *_HEADERS]
