"""OPTIONS, which needs no credentials."""

from flask import Flask, Request

from . import cors
from .replies import Reply, render_nothing

_ALL_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"


def answer_options(request: Request, app: Flask) -> Reply | None:
    """Answer OPTIONS of a known URL, of "*", and of any URL to a welcome page; None for others.

    A page that asks for what is not there learns it from the request itself, with its credentials.
    """
    if request.environ.get("RAW_URI") == "*":
        allow = _ALL_METHODS
    elif request.routing_exception is None:
        allow = app.make_default_options_response().headers["Allow"]
    elif cors.is_preflight(request, app.config["CORS_ORIGINS"]):
        allow = _ALL_METHODS
    else:
        return None
    reply = render_nothing(200)
    reply.headers["Allow"] = allow
    return reply
