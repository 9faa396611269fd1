"""Cross-origin requests: which web pages may read the replies."""

from flask import current_app

# Source: legacy/exchanges.json, group cors.
_HEADERS = {
    "Access-Control-Allow-Headers": "origin, content-type, accept, authorization",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS, HEAD",
    "Access-Control-Max-Age": "1209600",
}


def allow_origin(reply, request):
    """Give an origin of the setting CORS_ORIGINS the headers the original sends, others none."""
    origin = request.headers.get("Origin")
    if origin in current_app.config["CORS_ORIGINS"]:
        reply.headers["Access-Control-Allow-Origin"] = origin
        reply.headers.update(_HEADERS)
