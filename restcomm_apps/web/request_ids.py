"""One id for each request: taken from X-Request-ID or made, told in the reply, the log and the
audit trail.
"""

import logging

from flask import has_request_context
from flask.logging import default_handler

from restcomm_apps.audit import actor

REQUEST_ID = "X-Request-ID"


class RequestIdFormatter(logging.Formatter):
    """Ends a line of the log with the id of the request that it is about."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging names it)
        """Format the line; a traceback follows after it."""
        line = super().formatMessage(record)
        return f"{line} [{actor.current().request_id}]" if has_request_context() else line


def end_log_lines() -> None:
    """Have the lines of the log end with the id of their request."""
    default_handler.setFormatter(
        RequestIdFormatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
    )
