"""A request's way through the service: what comes before its view, and what goes with its reply."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from flask import Flask, Request, g
from flask.globals import request_ctx
from werkzeug.routing import MapAdapter

from restcomm_apps.audit import actor
from restcomm_apps.errors import MalformedRequest
from restcomm_apps.store.database import Store

from . import cors, headers, options, origins
from .authentication import authenticate
from .authorization import require_active
from .errors import answer_error
from .proxies import believe_proxies
from .replies import Reply
from .request_ids import REQUEST_ID
from .routing import RouteMap, Routes
from .target import MALFORMED, read_target

# Below the base path; what they answer depends on no account.
WITHOUT_CREDENTIALS = ("/Logout", "/Health")


class RestcommFlask(Flask):
    """Flask with one way for each request, from top to bottom; it calls no other hooks."""

    url_map_class = RouteMap

    def full_dispatch_request(self) -> Reply:
        """Answer a request, whatever happens."""
        request = request_ctx.request
        named = request.environ.get("HTTP_X_REQUEST_ID")
        request_id = actor.enter_request(request.remote_addr, named)
        try:
            reply = self._admit(request) or self._call_view(request)
        except Exception as error:
            reply = answer_error(error)
        return self._complete(reply, request, request_id)

    def _admit(self, request: Request) -> Reply | None:
        """Answer what needs no view, and see to it that all others come from an account.

        Raises MalformedRequest (400) where the target is no URI, ForeignPage (403), and as
        ``authenticate``.
        """
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
            account = authenticate(request, self.extensions["login_limits"])
            require_active(account, request, self.view_functions.get(request.endpoint or ""))
            g.effective_account = account
            actor.enter_account(account.sid)
        return None

    def _call_view(self, request: Request) -> Reply:
        if request.routing_exception is not None:
            raise request.routing_exception
        view = self.view_functions[request.endpoint or ""]
        return cast(Reply, view(**(request.view_args or {})))

    def _complete(self, reply: Reply, request: Request, request_id: str) -> Reply:
        """Add to a reply what goes with its contents."""
        reply.beside = [
            *headers.list_headers(reply, request, self.config["BASE_PATH"]),
            *cors.list_headers(reply, request, self.config["CORS_ORIGINS"]),
            (REQUEST_ID, request_id),
        ]
        return reply

    def wsgi_app(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request, with the application's store as the current one.

        Before that its environ learns where it comes from and what its target is.
        """
        believe_proxies(environ, self.config["TRUSTED_PROXIES"])
        read_target(environ)
        store: Store = self.extensions["store"]
        return store.run(super().wsgi_app, environ, start_response)

    # What nobody registers is not looked for, which saves 4 % of ``bench/cpu.py``.

    def do_teardown_request(self, exc: object = None) -> None:
        """Do nothing where a request ends."""

    def do_teardown_appcontext(self, exc: object = None) -> None:
        """Do nothing where a request ends."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the routes to a request; outside of one there is no URL to make."""
        if request is None:
            return None
        # Without a host: no URL is made by them.
        return Routes(self.url_map, "", "", "", "", request.path, request.method)
