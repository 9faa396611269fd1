"""The application factory, its hooks around every request, and the one place that tells errors."""

import logging
import os

import peewee
from flask import Flask, current_app, g, request
from werkzeug import exceptions

from . import (
    accounts,
    applications,
    auth,
    callers,
    changes,
    config,
    cors,
    database,
    forms,
    request_ids,
    schema,
    suffix,
)
from .errors import (
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    RestcommError,
    Unavailable,
)
from .properties import API_VERSION, Site
from .render import finalize, find_templates, render_error, render_nothing

log = logging.getLogger(__name__)

_ALL_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"


def create_app(environ=None):
    """Make the WSGI application from the settings in ``environ`` (by default ``os.environ``).

    Raises ConfigError for a setting that cannot be used.
    """
    app = Flask(__package__, template_folder=find_templates(), static_folder=None)
    app.config.update(config.values(os.environ if environ is None else environ))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_BODY_BYTES"]
    app.config["BASE_PATH"] = f"{app.config['ROOT_PATH']}/{API_VERSION}"
    app.extensions["site"] = Site(app.config["ROOT_PATH"], app.config["TIMEZONE"])
    app.jinja_options = {"finalize": finalize}
    app.wsgi_app = suffix.SuffixMiddleware(app.wsgi_app)
    app.logger.setLevel(app.config["LOG_LEVEL"].upper())
    database.connect(app.config["DATABASE_URL"])
    changes.keep(app.config["AUDIT"])

    request_ids.init_app(app)
    app.before_request(refuse_malformed)
    app.before_request(answer_options)
    app.before_request(authenticate)
    app.after_request(cors.allow_origin)
    app.after_request(forbid_shared_caches)
    app.register_error_handler(Exception, tell_error)
    for module in (accounts, applications):
        app.register_blueprint(module.blueprint, url_prefix=app.config["BASE_PATH"])
    return app


def refuse_malformed():
    """Raise MalformedRequest (400) where the target is no URI."""
    if request.environ[suffix.MALFORMED]:
        raise MalformedRequest(request.environ[suffix.MALFORMED])


def answer_options():
    """Answer OPTIONS of a known URL, and of "*", without credentials, as browsers need it."""
    if request.method != "OPTIONS":
        return None
    if request.environ.get("RAW_URI") == "*":
        allow = _ALL_METHODS
    elif request.routing_exception is None:
        allow = current_app.make_default_options_response().headers["Allow"]
    else:
        return None
    reply = render_nothing(200)
    reply.headers["Allow"] = allow
    return reply


def authenticate():
    """Open the connection and check the credentials of every request but Logout.

    Before routing errors are told, so that only an account can ask which paths exist.
    """
    if request.path != f"{current_app.config['BASE_PATH']}/Logout":
        schema.open_connection()
        auth.authenticate()
        callers.enter_account(g.effective_account.sid)


def forbid_shared_caches(reply):
    """Mark what the original marked. Source: legacy/exchanges.json."""
    if (
        request.method not in ("POST", "TRACE")
        and f"{request.path}/".startswith(current_app.config["BASE_PATH"] + "/")
        and request.environ[suffix.MALFORMED] is None
    ):
        reply.headers["Cache-Control"] = "private"
    return reply


def tell_error(error):
    """Turn any exception into a reply that holds nothing internal, and log it."""
    told = _as_restcomm_error(error)
    if told.status >= 500:
        log.error("%s %r", request.method, request.path, exc_info=error)
    else:
        log.info("%s %r: %d %s", request.method, request.path, told.status, told.message)
    return render_error(told)


def _as_restcomm_error(error):
    if isinstance(error, RestcommError):
        return error
    if isinstance(error, exceptions.NotFound):
        return NotFound()
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed(error.valid_methods)
    if isinstance(error, exceptions.HTTPException) and error.code < 500:
        return MalformedRequest()
    if isinstance(error, peewee.DataError) and (column := database.refused_column(error)):
        return InvalidParameter(forms.parameter_of(column), forms.STORABLE_RULE)
    if database.is_unusable(error):
        return Unavailable()
    return RestcommError()
