"""Cross-origin requests: which web pages may read the replies.

Whose may change something is the business of ``origins``.
"""

from flask import Request, current_app

from .origins import SAFE_METHODS

# Source: legacy/exchanges.json, group cors, and what this service knows beside the original.
_HEADERS = {
    "Access-Control-Allow-Headers": "origin, content-type, accept, authorization, "
    "if-match, if-none-match, idempotency-key, x-request-id",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD",
    "Access-Control-Expose-Headers": "ETag, Link, Retry-After, X-Request-ID, Idempotent-Replayed",
    "Access-Control-Max-Age": "1209600",
}


def is_preflight(request: Request) -> bool:
    """Return whether a browser asks if a page of an origin in CORS_ORIGINS may send a request."""
    origin = request.headers.get("Origin")
    asks = "Access-Control-Request-Method" in request.headers
    return asks and origin in current_app.config["CORS_ORIGINS"]


def allow_origin(reply, request):
    """Give an origin of the setting CORS_ORIGINS the headers the original sends, others none."""
    origins = current_app.config["CORS_ORIGINS"]
    if origins or request.method not in SAFE_METHODS:
        # Replies to others, too: a cache must not give theirs to an origin of the setting.
        reply.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin in origins:
        reply.headers["Access-Control-Allow-Origin"] = origin
        reply.headers.update(_HEADERS)
