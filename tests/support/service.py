"""How the tests talk to the service: an application in this process, or a real gunicorn."""

import base64
import csv
import io
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, suppress
from functools import partial
from json import loads
from pathlib import Path

from lxml import etree

from restcomm_apps import create_app
from restcomm_apps.store.urls import SQLITE, parse

from . import tables as database_tables
from .databases import connect_directly, describe
from .forked import ForkedProcess
from .links import check_links, headers_to_follow
from .processes import accepts, worker_pids
from .together import wait_until

BASE = "/restcomm/2012-04-24"
MEDIA_TYPES = ("application/json", "application/xml")
PROFILE_TYPE = "application/instance+json"
# The tests fail to log in more often than anybody may; test_attacks.py sets the limit anew.
NO_LIMIT = {"LOGIN_LIMIT": "0"}


def authorization(account, password=None):
    """Give the Basic header of an account row, with its auth token or with ``password``."""
    credentials = f"{account['sid']}:{account['auth_token'] if password is None else password}"
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


def check_reply(status, content_type, body):
    """Assert what holds for every reply: no charset, a well-formed body in the declared format."""
    if not body:
        assert status in (200, 204, 304), f"{status} without a body"
        assert content_type is None
    elif body == b"OK":
        assert content_type == "text/plain"
    elif content_type == PROFILE_TYPE:
        assert (status, type(loads(body))) == (200, dict)
    elif content_type == "text/csv":
        assert status == 200
        check_csv(body.decode())
    else:
        assert content_type in MEDIA_TYPES
        if content_type == "application/json":
            body.decode("ascii")
            reply = loads(body)
        else:
            root = etree.fromstring(body)
            assert root.tag == "RestcommResponse"
            reply = root[0]
        if status >= 400:
            check_error(status, reply)


def check_csv(text):
    """Assert lines that end in CR LF, a header of names and as many cells in each line."""
    assert text.endswith("\r\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert all(name.isalpha() for name in header)
    assert all(len(row) == len(header) for row in rows)


def check_error(status, reply):
    """Assert the shape of an error, a parsed JSON object or a RestException element."""
    if isinstance(reply, dict):
        assert list(reply) == ["status", "code", "message", "more_info"]
        assert reply["status"] == status
    else:
        assert [child.tag for child in reply] == ["Status", "Code", "Message", "MoreInfo"]
        assert reply.findtext("Status") == str(status)


_applications = {}


def make_application(settings):
    """Make the application, or take the one that was made with these settings on such tables.

    Where logins are counted it is made anew.
    """
    environ = {f"RESTCOMM_APPS_{name}": text for name, text in settings.items()}
    if settings["LOGIN_LIMIT"] != "0":
        return create_app(environ)
    with closing(connect_directly(settings["DATABASE_URL"])) as connection:
        key = (*sorted(settings.items()), *describe(connection))
    if key not in _applications:
        _applications[key] = create_app(environ)
    return _applications[key]


def forget_applications(database_url):
    """Have the applications on a database made anew: what they know of it holds no more."""
    for key in [key for key in _applications if ("DATABASE_URL", database_url) in key]:
        del _applications[key]


class Service:
    """The application in this process, on a database with tables and, at first, no rows."""

    def __init__(self, database_url, **settings):
        self.settings = {"DATABASE_URL": database_url, **NO_LIMIT, **settings}
        self.database_url = self.settings["DATABASE_URL"]
        self.is_mariadb = parse(self.database_url).engine != SQLITE
        self.followed = set()
        self.prepare()
        self.start()

    def prepare(self):
        """Make empty tables."""
        database_tables.make_tables(self.database_url)
        database_tables.replace_rows(self.database_url, dict.fromkeys(database_tables.NAMES, ()))

    def start(self):
        """Take the application that a test asks for, and make its store the current one."""
        self.app = make_application(self.settings)
        self.store = self.app.extensions["store"]
        self.store.enter()
        self.client = self.app.test_client()

    def start_anew(self):
        """Have the application look at the tables again, which a test has changed."""
        self.close()
        forget_applications(self.database_url)
        self.start()

    def execute(self, statement, values=()):
        """Run a statement as the service does, in its transaction; "?" marks values."""
        if self.is_mariadb:
            statement = statement.replace("%", "%%").replace("?", "%s")
        return self.store.database.execute_sql(statement, values)

    def insert(self, tables):
        """Insert rows, given as {table name: [row]}."""
        with self.store.database.atomic():
            database_tables.insert(self, tables)

    def replace(self, tables):
        """Have the database hold these rows and no others."""
        with self.store.database.atomic():
            database_tables.replace(self, dict.fromkeys(database_tables.NAMES, ()) | tables)

    def dump(self):
        """Return all rows of all tables, to see whether a refusal changed anything."""
        read = database_tables.read(self)
        return {table: [tuple(row.values()) for row in rows] for table, rows in read.items()}

    def request(self, method, path, account=None, headers=None, **options):
        """Send a request below the API's base path as an account row; check and give the reply.

        The links that it hands out are followed, each once.
        """
        headers = {**(authorization(account) if account else {}), **(headers or {})}
        reply = self.client.open(BASE + path, method=method, headers=headers, **options)
        if method != "HEAD":
            check_reply(reply.status_code, reply.headers.get("Content-Type"), reply.data)
        if reply.status_code == 200:
            get = partial(self._follow, headers_to_follow(headers))
            check_links(self.followed, reply.request.host, reply.headers, reply.data, get)
        return reply

    def _follow(self, headers, path):
        """Give the status of what a link leads to, as ``check_links`` asks; it is checked too."""
        reply = self.client.get(path, headers=headers)
        check_reply(reply.status_code, reply.headers.get("Content-Type"), reply.data)
        return reply.status_code

    def close(self):
        """Close this thread's connection."""
        self.store.database.close()


class Gunicorn:
    """A real ``restcomm-apps serve`` on a free port, in a process group of its own."""

    module = "restcomm_apps"
    # Measurements and long runs have it ``subprocess.Popen``.
    popen = ForkedProcess

    def __init__(
        self, database_url, workers=1, threads=4, arguments=(), log=os.devnull, **settings
    ):
        self.environ = {
            name: text for name, text in os.environ.items() if not name.startswith("RESTCOMM_APPS_")
        }
        self.environ |= {
            f"RESTCOMM_APPS_{name}": text
            for name, text in {"DATABASE_URL": database_url, **NO_LIMIT, **settings}.items()
        }
        self.scheme = "https" if "--certfile" in arguments else "http"
        self.port = free_port()
        self.environ["RESTCOMM_APPS_BIND"] = f"127.0.0.1:{self.port}"
        self.arguments = [
            *("serve", "--workers", str(workers), "--threads", str(threads)),
            *arguments,
        ]
        self.log = Path(log)
        self.process = None
        self.followed = set()

    @property
    def url(self):
        """The address before the API's base path."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def run(self, *arguments):
        """Run another restcomm-apps command on the same settings; give its output."""
        command = [sys.executable, "-m", "restcomm_apps", *arguments]
        pipe = subprocess.PIPE
        process = self.popen(command, env=self.environ, stdout=pipe, stderr=pipe, text=True)
        texts = process.communicate(timeout=60)
        subprocess.CompletedProcess(command, process.returncode, *texts).check_returncode()
        return texts[0]

    def start(self):
        """Start and wait until it accepts connections; its log goes to the file ``log``."""
        with open(self.log, "ab") as log:
            self.process = self.popen(
                [sys.executable, "-m", self.module, *self.arguments],
                env=self.environ,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

        def serves():
            assert self.process.poll() is None, self.log.read_text()
            # Before there is a worker it may listen only to try whether it could.
            return worker_pids(self) and accepts(self.port)

        wait_until(serves, "the service to accept connections")
        return self

    def kill(self, number=signal.SIGKILL):
        """End the whole process group with a signal and wait for it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(30)

    def request(self, method, path, account=None, body=None, headers=None, timeout=30):
        """Send a request below the API's base path; give status, headers and body, checked.

        The links that the reply hands out are followed, each once.
        """
        headers = {**(authorization(account) if account else {}), **(headers or {})}
        answer = self._send(method, BASE + path, body, headers, timeout)
        if answer[0] == 200:
            kept = headers_to_follow(headers)
            host = headers.get("Host", f"127.0.0.1:{self.port}")
            check_links(
                self.followed,
                host,
                *answer[1:],
                lambda path: self._send("GET", path, None, kept, timeout)[0],
            )
        return answer

    def _send(self, method, path, body, headers, timeout):
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        # Made anew: urllib keeps its own from the first request, whatever SSL_CERT_FILE says then.
        context = ssl.create_default_context() if self.scheme == "https" else None
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=context) as reply:
                answer = reply.status, reply.headers, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                answer = error.code, error.headers, error.read()
        if method != "HEAD":
            check_reply(answer[0], answer[1].get("Content-Type"), answer[2])
        return answer


def free_port():
    """Find a port of 127.0.0.1 that nothing listens on.

    It is none that the system gives to clients, who are many while other tests run beside.
    """
    while True:
        # Where hypothesis runs a test, ``random`` itself gives each process the same.
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
