"""CPU time of reading one application as JSON over that of an empty view of a plain Flask.

Both run in this process, without a socket and in turns, so that the machine's speed is the same
for both; only the ratio means anything.
"""

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable

import common
from flask import Flask

from restcomm_apps import create_app

WsgiApp = Callable[..., Iterable[bytes]]
ONE = f"{common.BASE}/{common.account_sid(0)}/Applications/{common.application_row(0, 1)['sid']}"


def make_environ(path: str, **headers: str) -> dict:
    """Return the WSGI environ of a GET of account 0, as gunicorn makes it."""
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "RAW_URI": path, "QUERY_STRING": "",
        "SCRIPT_NAME": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http",
        "REMOTE_ADDR": "127.0.0.1", "wsgi.input": io.BytesIO(), "HTTP_ACCEPT": "*/*",
        "HTTP_AUTHORIZATION": common.authorization(0),
    } | headers  # fmt: skip


def make_plain_app() -> Flask:
    """Make an application of one view that does nothing."""
    app = Flask("plain")
    app.add_url_rule("/", view_func=lambda: "")
    return app


def answer(app: WsgiApp, environ: dict) -> bytes:
    """Send a request through an application; return the body of the reply."""
    return b"".join(app(environ, lambda status, headers, _=None: None))


def time_requests(app: WsgiApp, path: str, count: int) -> float:
    """Return the CPU time, in seconds, of ``count`` requests."""
    environs = [make_environ(path) for _ in range(count)]
    began = time.process_time()
    for environ in environs:
        answer(app, environ)
    return time.process_time() - began


def main() -> None:
    """Measure in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--requests", type=int, default=200, help="of each application in a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/cpu.db"
        common.fill(url, 20_000)
        service = create_app(
            {"RESTCOMM_APPS_DATABASE_URL": url, "RESTCOMM_APPS_LOG_LEVEL": "warning"}
        )
        plain = make_plain_app()
        assert b"friendly_name" in answer(service, make_environ(f"{ONE}.json"))
        ratios = []
        for _ in range(arguments.rounds):
            floor = time_requests(plain, "/", arguments.requests)
            ratios.append(time_requests(service, f"{ONE}.json", arguments.requests) / floor)
    ratio, microseconds = statistics.median(ratios), floor / arguments.requests * 1e6
    print(f"read one, JSON, over an empty view of Flask ({microseconds:.0f} µs): {ratio:.2f}")


if __name__ == "__main__":
    main()
