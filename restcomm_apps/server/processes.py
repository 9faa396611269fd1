"""gunicorn around the application: processes, TLS, and how they end."""

import errno
import logging
import multiprocessing
import os
import socket
import ssl
from pathlib import Path

from flask import Flask
from gunicorn.app.base import BaseApplication

log = logging.getLogger("gunicorn.error")

DEFAULT_WORKERS = min(multiprocessing.cpu_count(), 4)


class _Server(BaseApplication):
    def __init__(self, app: Flask, options: dict[str, object]) -> None:
        self.app = app
        self.options = options
        self.tls: ssl.SSLContext | None = None
        super().__init__()

    def load_config(self) -> None:
        """Hand the options to gunicorn, and the certificate as it is now; again at each HUP."""
        for name, value in self.options.items():
            self.cfg.set(name, value)
        if self.cfg.certfile:
            self._load_certificate()
            self.cfg.set("ssl_context", lambda config, make_default: self.tls)

    def _load_certificate(self):
        """Make the context of all workers; one that cannot be read leaves the former in use."""
        try:
            self.tls = tls_context(self.cfg.certfile, self.cfg.keyfile)
        except (OSError, ValueError) as error:
            if self.tls is None:
                raise
            log.error("The certificate cannot be renewed, the former one stays: %s", error)

    def load(self) -> Flask:
        """Hand over the application; it was made before the workers are forked."""
        return self.app


def tls_context(certfile: str, keyfile: str | None) -> ssl.SSLContext:
    """Make the context of TLS 1.2 and 1.3 with a certificate and its key, PEM files.

    Raises OSError, ValueError where they cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A key with a pass phrase is refused instead of asked for: nobody answers a service.
    context.load_cert_chain(certfile, keyfile, password="")
    return context


def check_bind(bind: str) -> None:
    """Raise OSError where one cannot listen on ``bind``, a HOST:PORT or unix:PATH."""
    if bind.startswith("unix:"):
        folder = Path(bind.removeprefix("unix:")).absolute().parent
        if not os.access(folder, os.W_OK):
            raise FileNotFoundError(errno.ENOENT, "Its folder cannot be written to")
        return
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    socket.create_server((host.strip("[]"), int(port)), family=family).close()


def serve(app: Flask, bind: str, workers: int, certfile: str | None, keyfile: str | None) -> None:
    """Serve until a signal ends it: TERM finishes what runs, HUP replaces the workers.

    ``bind`` is HOST:PORT or unix:PATH; ``certfile`` and ``keyfile`` are PEM files or None.
    """
    options = {
        "bind": bind,
        "workers": workers,
        # By its name, so that gevent is imported where it serves.
        "worker_class": "restcomm_apps.server.worker.RestcommWorker",
        "child_exit": lambda arbiter, worker: worker.retire(),
        "certfile": certfile,
        "keyfile": keyfile,
        "loglevel": app.config["LOG_LEVEL"],
        "preload_app": True,
        "limit_request_line": 8190,
        "control_socket_disable": True,
        # Who the client is, and whether it came over TLS, is for web.proxies to say.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        # Below the 1024 files that many systems allow a process.
        "worker_connections": 900,
    }
    _Server(app, options).run()
