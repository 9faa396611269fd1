"""A request's way through the service: what comes before its view, and what goes with its reply."""

from flask import Flask, Request, Response, g
from flask.globals import request_ctx
from werkzeug.routing import MapAdapter

from restcomm_apps.audit import actor
from restcomm_apps.errors import MalformedRequest
from restcomm_apps.store import schema

from . import cors, headers, options, origins, request_ids
from .authentication import authenticate
from .authorization import require_active
from .errors import answer_error
from .target import MALFORMED

# Below the base path; what they answer depends on no account.
WITHOUT_CREDENTIALS = ("/Logout", "/Health")


class RestcommFlask(Flask):
    """Flask with one way for each request, from top to bottom; it calls no other hooks."""

    def full_dispatch_request(self) -> Response:
        """Answer a request, whatever happens."""
        request = request_ctx.request
        try:
            reply = self._admit(request) or self.dispatch_request()
        except Exception as error:
            reply = answer_error(error)
        return self._complete(reply, request)

    def _admit(self, request: Request) -> Response | None:
        """Answer what needs no view, and see to it that all others come from an account.

        Raises MalformedRequest (400) where the target is no URI, ForeignPage (403), and as
        ``authenticate``.
        """
        request_ids.enter_request(request)
        if malformation := request.environ[MALFORMED]:
            raise MalformedRequest(malformation)
        # Before the credentials, which the page may have made up: it must not use up its reader's
        # logins.
        origins.require_own_page(request, self.config["CORS_ORIGINS"])
        if request.method == "OPTIONS":
            reply = options.answer_options(request, self)
            if reply is not None:
                return reply
        # Before routing errors are told, so that only an account can ask which paths exist.
        if request.path not in self.config["PATHS_WITHOUT_CREDENTIALS"]:
            schema.fit_models()
            account = authenticate(request, self.extensions["login_limits"])
            require_active(account, request, self.view_functions.get(request.endpoint))
            g.effective_account = account
            actor.enter_account(account.sid)
        return None

    def _complete(self, reply: Response, request: Request) -> Response:
        """Add to a reply what goes with its contents."""
        headers.harden(reply, request)
        headers.forbid_shared_caches(reply, request, self.config["BASE_PATH"])
        cors.allow_origin(reply, request, self.config["CORS_ORIGINS"])
        request_ids.add_request_id(reply)
        return reply

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
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
