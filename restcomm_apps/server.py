"""gunicorn around the application: processes, threads, TLS, and refusals before any request."""

import errno
import logging
import multiprocessing
import os
import re
import socket
import ssl
from http import HTTPStatus
from pathlib import Path

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ParseException

from .database import is_mysql
from .errors import MalformedRequest, RestcommError
from .render import error_document
from .suffix import choose_format, strip_suffixes
from .worker import PatientWorker

log = logging.getLogger("gunicorn.error")

DEFAULT_BIND = "127.0.0.1:8080"
DEFAULT_WORKERS = min(multiprocessing.cpu_count(), 4)
DEFAULT_THREADS = 4


class RestcommWorker(PatientWorker):
    """A worker that refuses what is not HTTP with the contract's body, not with HTML."""

    @property
    def largest_body(self):
        """The largest body that is waited for, in bytes."""
        return self.wsgi.config["MAX_BODY_BYTES"]

    @property
    def answers_in_loop(self):
        """Tell whether requests wait for no other machine."""
        return not is_mysql()

    def handle_error(self, req, client, addr, exc):
        """Answer 400 to what cannot be read, 500 to what failed outside the application."""
        if isinstance(exc, ssl.SSLError):
            self.log.info("TLS with %s failed: %s", addr, exc)
            return
        if isinstance(exc, ParseException):
            self.log.info("Malformed request from %s: %r", addr, str(exc))
            error = MalformedRequest()
        else:
            self.log.error("Request from %s failed", addr, exc_info=exc)
            error = RestcommError()
        try:
            util.write_nonblock(client, self._reply(error, req or getattr(exc, "req", None)))
        except OSError as gone:
            self.log.debug("%s did not wait for its answer: %s", addr, gone)

    def set_accept_enabled(self, enabled):
        """Accept or not; a worker that ends refuses connections instead of letting them wait."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                listener.close()

    def _reply(self, error, req):
        with self.wsgi.app_context():
            media_type, body = error_document(error, _format_of(req))
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
            "Connection: close\r\nX-Content-Type-Options: nosniff\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _format_of(req):
    """Choose the format of a reply to a request that may have been read in part or not at all."""
    path = getattr(req, "path", None) or ""
    accept = dict(getattr(req, "headers", ())).get("ACCEPT", "")
    return choose_format(strip_suffixes(path)[1], accept)


class _Server(BaseApplication):
    def __init__(self, app, options):
        self.app = app
        self.options = options
        self.tls = None
        super().__init__()

    def load_config(self):
        """Hand the options to gunicorn, and the certificate as it is now; again at each HUP."""
        for name, value in self.options.items():
            self.cfg.set(name, value)
        if self.options["certfile"]:
            self._load_certificate()
            self.cfg.set("ssl_context", lambda config, make_default: self.tls)

    def _load_certificate(self):
        """Make the context of all workers; one that cannot be read leaves the former in use."""
        try:
            self.tls = tls_context(self.options["certfile"], self.options["keyfile"])
        except (OSError, ValueError) as error:
            if self.tls is None:
                raise
            log.error("The certificate cannot be renewed, the former one stays: %s", error)

    def load(self):
        """Hand over the application; it was made before the workers are forked."""
        return self.app


def tls_context(certfile, keyfile):
    """Make the context of TLS 1.2 and 1.3 with a certificate and its key, PEM files.

    Raises OSError, ValueError where they cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A key with a pass phrase is refused instead of asked for: nobody answers a service.
    context.load_cert_chain(certfile, keyfile, password="")
    return context


def check_bind(bind):
    """Raise OSError where one cannot listen on ``bind``, ValueError where it is no address."""
    if re.fullmatch("unix:.+", bind):
        folder = Path(bind.removeprefix("unix:")).absolute().parent
        if not os.access(folder, os.W_OK):
            raise FileNotFoundError(errno.ENOENT, "Its folder cannot be written to")
        return
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})", bind)
    if match is None or int(match[2]) > 65535:
        raise ValueError(bind)
    family = socket.AF_INET6 if match[1].startswith("[") else socket.AF_INET
    socket.create_server((match[1].strip("[]"), int(match[2])), family=family).close()


def serve(app, bind, workers, threads, certfile, keyfile):
    """Serve until a signal ends it: TERM finishes what runs, HUP replaces the workers.

    ``bind`` is HOST:PORT or unix:PATH; ``certfile`` and ``keyfile`` are PEM files or None.
    """
    options = {
        "bind": bind,
        "workers": workers,
        "threads": threads,
        "worker_class": RestcommWorker,
        "child_exit": lambda arbiter, worker: worker.retire(),
        "certfile": certfile,
        "keyfile": keyfile,
        "loglevel": app.config["LOG_LEVEL"],
        "preload_app": True,
        "limit_request_line": 8190,
        "control_socket_disable": True,
        # Who the client is, and whether it came over TLS, is for proxies.ProxyMiddleware to say.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        # Below the 1024 files that many systems allow a process.
        "worker_connections": 900,
    }
    _Server(app, options).run()
