"""The one place where an exception becomes a reply, and a line of the log."""

import logging

import peewee
from flask import request
from werkzeug import exceptions

from restcomm_apps.domain import tokens
from restcomm_apps.errors import (
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    RestcommError,
    Unavailable,
)
from restcomm_apps.resources.applications import forms
from restcomm_apps.store import faults

from .authentication import claimed_name
from .replies import Reply, render_error

log = logging.getLogger(__name__)

_REFUSALS = (401, 403, 429)


def answer_error(error: Exception) -> Reply:
    """Turn any exception into a reply that holds nothing internal, and log it."""
    answered = _as_restcomm_error(error)
    path = tokens.hide(request.path)
    if isinstance(answered, Unavailable):
        # The database's own words say it; a trace of each request would bury them.
        log.error("%s %a: %d %a", request.method, path, answered.status, str(error))
    elif answered.status >= 500 and answered is not error:
        log.error("%s %a", request.method, path, exc_info=error)
    elif answered.status in _REFUSALS:
        _log_refusal(answered, path)
    else:
        log.info("%s %a: %d %s", request.method, path, answered.status, answered.message)
    return render_error(answered)


def _log_refusal(refusal, path):
    """Log who was refused what and why, each on one line whatever the client sent."""
    log.info(
        "Refused %s %a: %d %s; account %s, address %s",
        request.method,
        path,
        refusal.status,
        refusal.reason,
        claimed_name(),
        request.remote_addr or "-",
    )


def _as_restcomm_error(error):
    if isinstance(error, RestcommError):
        return error
    if isinstance(error, exceptions.NotFound):
        return NotFound()
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed(error.valid_methods or ())
    if isinstance(error, exceptions.HTTPException) and (error.code or 500) < 500:
        return MalformedRequest()
    if isinstance(error, peewee.DataError) and (column := faults.refused_column(error)):
        return forms.refused(column)
    if faults.is_unusable(error):
        return Unavailable()
    return RestcommError()
