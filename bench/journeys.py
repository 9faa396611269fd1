"""How many modules a reader crosses who follows a request: the service's own ones, and the changes.

Each journey is answered in this process, by an application that has answered its like before. A
profiler notes the module of every function that is called, comprehensions among them. Counted are
the modules of the service that were touched, and how often a call is in another of them than the
call before; returns do not count. Run by the Python of an earlier state, as
``../before/.venv/bin/python bench/journeys.py``, it counts that one.
"""

import base64
import io
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from urllib.parse import urlencode

import restcomm_apps
from restcomm_apps import create_app

PACKAGE = str(Path(restcomm_apps.__file__).parent)
BASE = "/restcomm/2012-04-24/Accounts"
FORM = {"FriendlyName": "Welcome", "Kind": "voice", "RcmlUrl": "/welcome.xml"}
SUB_ACCOUNTS = 4


class Client:
    """Sends requests through an application, without a socket."""

    def __init__(self, app: Callable, sid: str, token: str) -> None:
        self._app = app
        self.sid = sid
        credentials = base64.b64encode(f"{sid}:{token}".encode()).decode()
        self._authorization = f"Basic {credentials}"

    def send(self, method: str, path: str, form: dict | None = None, **headers: str) -> dict:
        """Send a request; return what its JSON holds. Exit where it fails."""
        body = urlencode(form or {}).encode()
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": BASE + path, "RAW_URI": BASE + path,
            "QUERY_STRING": "", "SCRIPT_NAME": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http",
            "REMOTE_ADDR": "127.0.0.1", "wsgi.input": io.BytesIO(body), "HTTP_ACCEPT": "*/*",
            "HTTP_AUTHORIZATION": self._authorization, **headers,
        }  # fmt: skip
        if form is not None:
            environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
            environ["CONTENT_LENGTH"] = str(len(body))
        answered = []
        body = b"".join(self._app(environ, lambda status, *_: answered.append(status)))
        if not answered[0].startswith("2"):
            sys.exit(f"{method} {path}: {answered[0]}\n{body.decode()}")
        return json.loads(body or b"{}")


@contextmanager
def followed() -> Iterator[list[str]]:
    """Note the modules of the service's functions that are called meanwhile, in their order."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls.append(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def count(journey: Callable[[], object]) -> tuple[int, int]:
    """Follow a journey; return the number of modules and of changes."""
    with followed() as calls:
        journey()
    return len(set(calls)), sum(before != after for before, after in pairwise(calls))


def make_family(client: Client) -> str:
    """Make an account with sub-accounts, each with an application; return its sid."""
    top = add_account(client, "top")
    for number in range(SUB_ACCOUNTS):
        child = add_account(top, f"child{number}")
        child.send("POST", f"/{child.sid}/Applications.json", FORM)
    return top.sid


added = iter(range(1000))


def add_account(client: Client, name: str) -> Client:
    """Make a sub-account."""
    email = f"{name}.{next(added)}@example.com"
    form = {"EmailAddress": email, "FriendlyName": name, "Password": "a password"}
    made = client.send("POST", ".json", form)
    return Client(client._app, made["sid"], made["auth_token"])


def main() -> None:
    """Follow three journeys and print what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"RESTCOMM_APPS_DATABASE_URL": f"sqlite:///{folder}/journeys.db"}
        command = [sys.executable, "-m", "restcomm_apps", "init-db", "--first-account"]
        shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        ((sid, token),) = re.findall(r"(AC\w{32}):(\w+)", shown.stdout)
        app = create_app(environ | {"RESTCOMM_APPS_LOG_LEVEL": "warning"})
        client = Client(app, sid, token)
        path = f"/{sid}/Applications"
        one = client.send("POST", f"{path}.json", FORM)["sid"]
        keys = (f"key {number}".replace(" ", "-") for number in range(10))
        families = iter([make_family(client) for _ in range(3)])
        journeys = {
            "read one": lambda: client.send("GET", f"{path}/{one}.json"),
            "create with Idempotency-Key": lambda: client.send(
                "POST", f"{path}.json", FORM, HTTP_IDEMPOTENCY_KEY=next(keys)
            ),
            "close an account with sub-accounts": lambda: client.send(
                "DELETE", f"/{next(families)}.json"
            ),
        }
        for name, journey in journeys.items():
            journey()
            modules, changes = count(journey)
            print(f"{name:35} {modules:3} modules {changes:4} changes")


if __name__ == "__main__":
    main()
