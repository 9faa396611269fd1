"""The application factory, its hooks around every request, and the one place that tells errors."""

import logging
import os

import peewee
from flask import Flask, current_app, g, request
from werkzeug import exceptions

from restcomm_apps.domain.vocabulary import API_VERSION

from . import config
from .audit import actor as callers
from .audit import trail as changes
from .domain import tokens
from .errors import (
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    RestcommError,
    Unavailable,
)
from .formats.resource import Site
from .resources.applications import forms
from .store import database, schema
from .web import authentication as auth
from .web import cors, headers, origins, request_ids
from .web import target as suffix
from .web.login_limits import LoginLimits
from .web.proxies import ProxyMiddleware
from .web.replies import finalize, find_templates, render_error, render_nothing
from .web.views import accounts, applications, health, profiles

log = logging.getLogger(__name__)

# Below the base path; what they answer depends on no account.
_WITHOUT_CREDENTIALS = ("/Logout", "/Health")

_ALL_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
_REFUSALS = (401, 403, 429)


class RestcommFlask(Flask):
    """Flask, told what it need not look for in every request: coroutines and subdomains."""

    def create_url_adapter(self, request):
        """Bind the routes to a request; outside of one there is no URL to make."""
        if request is None:
            return None
        return self.url_map.bind(
            request.host,
            script_name=request.root_path,
            subdomain="",
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
        )

    def ensure_sync(self, func):
        """Give the function as it is: no view and no hook here is a coroutine."""
        return func


def create_app(environ=None):
    """Make the WSGI application from the settings in ``environ`` (by default ``os.environ``).

    Raises ConfigError for a setting that cannot be used.
    """
    app = RestcommFlask(__package__, template_folder=find_templates(), static_folder=None)
    app.config.update(config.values(os.environ if environ is None else environ))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_BODY_BYTES"]
    app.config["BASE_PATH"] = f"{app.config['ROOT_PATH']}/{API_VERSION}"
    app.extensions["site"] = Site(
        app.config["ROOT_PATH"], app.config["TIMEZONE"], app.config["TOKEN_IN_REPLIES"]
    )
    app.extensions["login_limits"] = LoginLimits(app.config["LOGIN_LIMIT"])
    app.jinja_options = {"finalize": finalize}
    app.wsgi_app = suffix.SuffixMiddleware(app.wsgi_app)
    app.wsgi_app = ProxyMiddleware(app.wsgi_app, app.config["TRUSTED_PROXIES"])
    app.logger.setLevel(app.config["LOG_LEVEL"].upper())
    database.connect(app.config["DATABASE_URL"])
    changes.keep(app.config["AUDIT"])

    request_ids.end_log_lines()
    app.before_request(admit)
    app.after_request(complete)
    app.register_error_handler(Exception, tell_error)
    for module in (accounts, applications, profiles, health):
        app.register_blueprint(module.blueprint, url_prefix=app.config["BASE_PATH"])
    return app


# The two hooks look the request up once for all that they call: each look-up takes its time.


def admit():
    """Answer what needs no view, and see to it that all others come from an account.

    Raises MalformedRequest (400) where the target is no URI, ForeignPage (403).
    """
    asked = request._get_current_object()
    request_ids.enter_request(asked)
    if asked.environ[suffix.MALFORMED]:
        raise MalformedRequest(asked.environ[suffix.MALFORMED])
    # Before the credentials, which the page may have made up: it must not use up its reader's logins.
    origins.require_own_page(asked, current_app.config["CORS_ORIGINS"])
    if asked.method == "OPTIONS":
        reply = answer_options(asked)
        if reply is not None:
            return reply
    # Before routing errors are told, so that only an account can ask which paths exist.
    base = current_app.config["BASE_PATH"]
    if asked.path not in [base + path for path in _WITHOUT_CREDENTIALS]:
        schema.fit_models()
        auth.authenticate()
        callers.enter_account(g.effective_account.sid)
    return None


def complete(reply):
    """Add to a reply what goes with its contents."""
    asked = request._get_current_object()
    headers.harden(reply, asked)
    headers.forbid_shared_caches(reply, asked)
    cors.allow_origin(reply, asked)
    request_ids.tell_request_id(reply)
    return reply


def answer_options(request):
    """Answer OPTIONS without credentials: of a known URL, of "*", and of any to a welcome page.

    A page that asks for what is not there learns it from the request itself, with its credentials.
    """
    if request.environ.get("RAW_URI") == "*":
        allow = _ALL_METHODS
    elif request.routing_exception is None:
        allow = current_app.make_default_options_response().headers["Allow"]
    elif cors.is_preflight(request):
        allow = _ALL_METHODS
    else:
        return None
    reply = render_nothing(200)
    reply.headers["Allow"] = allow
    return reply


def tell_error(error):
    """Turn any exception into a reply that holds nothing internal, and log it."""
    told = _as_restcomm_error(error)
    if isinstance(told, Unavailable):
        # The database's own words say it; a trace of each request would bury them.
        log.error("%s %a: %d %a", request.method, _path(), told.status, str(error))
    elif told.status >= 500 and told is not error:
        log.error("%s %a", request.method, _path(), exc_info=error)
    elif told.status in _REFUSALS:
        log_refusal(told)
    else:
        log.info("%s %a: %d %s", request.method, _path(), told.status, told.message)
    return render_error(told)


def _path():
    return tokens.hide(request.path)


def log_refusal(told):
    """Log who was refused what and why, each on one line whatever the client sent."""
    log.info(
        "Refused %s %a: %d %s; account %s, address %s",
        request.method,
        _path(),
        told.status,
        told.reason,
        auth.claimed_name(),
        request.remote_addr or "-",
    )


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
