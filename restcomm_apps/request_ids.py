"""One id for each request: taken from X-Request-ID or made, told in the reply, the log and the
audit trail.
"""

import logging

from flask import has_request_context, request
from flask.logging import default_handler

from . import callers

HEADER = "X-Request-ID"


class RequestIdFormatter(logging.Formatter):
    """Ends a line of the log with the id of the request that it is about."""

    def formatMessage(self, record):  # noqa: N802
        """Format the line; a traceback follows after it."""
        line = super().formatMessage(record)
        return f"{line} [{callers.current().request_id}]" if has_request_context() else line


def init_app(app):
    """Have an application's requests go by an id; before all its other hooks."""
    default_handler.setFormatter(
        RequestIdFormatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
    )
    app.before_request(enter_request)
    app.after_request(tell_request_id)


def enter_request():
    """Note who calls, as far as it is known without credentials."""
    callers.enter_request(request.remote_addr, request.headers.get(HEADER))


def tell_request_id(reply):
    """Add the id to a reply."""
    reply.headers[HEADER] = callers.current().request_id
    return reply
