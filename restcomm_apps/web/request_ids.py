"""One id for each request: taken from X-Request-ID or made, told in the reply, the log and the
audit trail.
"""

import logging

from flask import has_request_context
from flask.logging import default_handler

from restcomm_apps.audit import actor as callers

HEADER = "X-Request-ID"


class RequestIdFormatter(logging.Formatter):
    """Ends a line of the log with the id of the request that it is about."""

    def formatMessage(self, record):  # noqa: N802
        """Format the line; a traceback follows after it."""
        line = super().formatMessage(record)
        return f"{line} [{callers.current().request_id}]" if has_request_context() else line


def end_log_lines():
    """Have the lines of the log end with the id of their request."""
    default_handler.setFormatter(
        RequestIdFormatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
    )


def enter_request(request):
    """Note who calls, as far as it is known without credentials."""
    callers.enter_request(request.remote_addr, request.headers.get(HEADER))


def tell_request_id(reply):
    """Add the id to a reply."""
    reply.headers.add(HEADER, callers.current().request_id)
