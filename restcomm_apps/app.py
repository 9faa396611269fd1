"""The application factory: what the service consists of."""

import os
from collections.abc import Mapping

from . import config
from .audit import actor, trail
from .domain.vocabulary import API_VERSION
from .formats.resource import Site
from .store.database import Store
from .web import request_ids
from .web.dispatch import WITHOUT_CREDENTIALS, RestcommFlask
from .web.errors import answer_error
from .web.login_limits import LoginLimits
from .web.replies import finalize, find_templates
from .web.views import accounts, applications, health, profiles


def create_app(environ: Mapping[str, str] | None = None) -> RestcommFlask:
    """Make the WSGI application from the settings in ``environ`` (by default ``os.environ``).

    Each application has a Store of its own, the current one of its requests and, until another
    application is made there, of the calling context.

    Raises ConfigError for a setting that cannot be used.
    """
    app = RestcommFlask(__package__, template_folder=find_templates(), static_folder=None)
    _configure(app, os.environ if environ is None else environ)
    store = Store(app.config["DATABASE_URL"], actor.current_account_sid)
    store.enter()
    app.extensions["store"] = store
    trail.keep(app.config["AUDIT"])
    app.jinja_options = {"finalize": finalize}
    app.extensions["site"] = Site(
        app.config["ROOT_PATH"], app.config["TIMEZONE"], app.config["TOKEN_IN_REPLIES"]
    )
    app.extensions["login_limits"] = LoginLimits(app.config["LOGIN_LIMIT"])
    # What fails outside of a request's way, too.
    app.register_error_handler(Exception, answer_error)
    for module in (accounts, applications, profiles, health):
        app.register_blueprint(module.blueprint, url_prefix=app.config["BASE_PATH"])
    request_ids.end_log_lines()
    return app


def _configure(app, environ):
    app.config.update(config.values(environ))
    base = f"{app.config['ROOT_PATH']}/{API_VERSION}"
    app.config["BASE_PATH"] = base
    app.config["PATHS_WITHOUT_CREDENTIALS"] = frozenset(base + path for path in WITHOUT_CREDENTIALS)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_BODY_BYTES"]
    app.logger.setLevel(app.config["LOG_LEVEL"].upper())
