"""``python -m tests.support.recorder RECORDS serve …``: ``restcomm-apps serve …`` with a look at
each request as the application sees it.

What it sees is a line of JSON in the file RECORDS (``Record`` in recording.py), written before the
reply is sent. A query of READERS is answered here, for each way to read a body or to leave it;
everything else by the application itself.
"""

import importlib
import itertools
import json
import os
import sys

# In each reply the number of the record of its request.
NUMBER = "X-Record"
# In a request behind a proxy: its method and target as the proxy sees them.
PASSED_ON = "X-Passed-On"


def read_pieces(body):
    """Read a body to its end, three octets at a time."""
    while body.read(3):
        pass


READERS = {
    "read=nothing": lambda body: None,
    "read=start": lambda body: body.read(5),
    "read=pieces": read_pieces,
    "read=all": lambda body: body.read(),
}


class NotedBody:
    """A body that notes how much was asked of it, what it gave, and whether it raised."""

    def __init__(self, body):
        self.body = body
        self.asked = 0
        self.octets = b""
        self.has_raised = False

    def read(self, size=None):
        """Read as the server's own body does."""
        self.asked = None if size is None or self.asked is None else self.asked + size
        try:
            octets = self.body.read(size)
        except Exception:
            self.has_raised = True
            raise
        self.octets += octets
        return octets


class Recorder:
    """WSGI around an application; a record of each request goes to a file."""

    def __init__(self, wsgi_app, path):
        self.wsgi_app = wsgi_app
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.numbers = itertools.count()

    def __call__(self, environ, start_response):
        """Answer, once the record is written."""
        number = next(self.numbers)
        body = environ["wsgi.input"] = NotedBody(environ["wsgi.input"])

        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, (NUMBER, str(number))], exc_info)

        pieces = self._answer(environ, start)
        # Whole, so that a client that has its reply finds the record.
        reply = [*pieces]
        if hasattr(pieces, "close"):
            pieces.close()
        self._write(number, environ, body)
        return reply

    def _answer(self, environ, start):
        reader = READERS.get(environ["QUERY_STRING"])
        if reader is None or environ["REQUEST_METHOD"] not in ("GET", "POST", "PUT", "DELETE"):
            return self.wsgi_app(environ, start)
        try:
            reader(environ["wsgi.input"])
        except Exception:
            start("400 Bad Request", [("Content-Length", "0")])
        else:
            start("200 OK", [("Content-Length", "0")])
        return [b""]

    def _write(self, number, environ, body):
        record = {
            "number": number,
            "port": int(environ["REMOTE_PORT"]),
            "method": environ["REQUEST_METHOD"],
            "target": environ["RAW_URI"],
            "request_id": environ.get("HTTP_X_REQUEST_ID"),
            "passed_on": environ.get("HTTP_X_PASSED_ON"),
            "asked": body.asked,
            "body": body.octets.decode("latin-1"),
            "has_raised": body.has_raised,
        }
        os.write(self.file, json.dumps(record).encode() + b"\n")


def main(path, *command):
    """Run a command with a Recorder around the application."""
    # As restcomm_apps.__main__ does: before all else is imported.
    importlib.import_module("gevent.monkey").patch_all()
    service = importlib.import_module("restcomm_apps.cli.service")
    make_app = service.create_app

    def create_app():
        app = make_app()
        app.wsgi_app = Recorder(app.wsgi_app, path)
        return app

    service.create_app = create_app
    sys.argv[1:] = command
    importlib.import_module("restcomm_apps.cli").main()


if __name__ == "__main__":
    main(*sys.argv[1:])
