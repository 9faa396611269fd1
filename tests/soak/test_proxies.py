"""Real nginx, Apache and HAProxy before a real service, configured as README and deploy/ show."""

import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from ..support.clients import KeptAliveClient
from ..support.documentation import blocks, read
from ..support.proxies import HAPROXY_CONFIG, apache, fetch, haproxy, nginx, wait_for
from ..support.rows import CHILD, FULL, TABLES
from ..support.service import BASE, Service, free_port

pytestmark = pytest.mark.soak


def readme_block(language, before, after):
    """Give README's block of a language, wrapped as in a configuration file."""
    return before + blocks(read("README.md"), language)[0] + after


LIST = f"/Accounts/{CHILD['sid']}/Applications"
CASES = {
    "nginx-deploy": (nginx, read("deploy/nginx.conf")),
    "nginx-readme": (nginx, readme_block("nginx", "server {\nlisten 80;\n", "}\n")),
    "apache-deploy": (apache, read("deploy/apache.conf")),
    "haproxy-galera": (haproxy, HAPROXY_CONFIG),
    "apache-readme": (apache, readme_block("apache", "<VirtualHost *:80>\n", "</VirtualHost>\n")),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def proxied(request, make_gunicorn, database_url, tmp_path):
    """The address of a proxy before the service, with the rows of rows.TABLES."""
    make_command, config = request.param
    gunicorn = make_gunicorn(TRUSTED_PROXIES="127.0.0.1", LOGIN_LIMIT="5/hour").start()
    rows = Service(database_url)
    rows.insert(TABLES)
    rows.close()
    port = free_port()
    config = config.replace("127.0.0.1:8080", f"127.0.0.1:{gunicorn.port}")
    process = subprocess.Popen(make_command(tmp_path, port, config))
    url = f"http://127.0.0.1:{port}"
    wait_for(url, process)
    yield url
    process.terminate()
    process.wait(30)


def test_proxy_passes_on_what_clients_send(proxied):
    account = f"{proxied}{BASE}/Accounts/{CHILD['sid']}"
    status, headers, body = fetch(f"{account}//Applications.json/{FULL['sid']}/", CHILD)
    assert status == 200 and FULL["sid"].encode() in body
    assert headers["Content-Type"] == "application/json"
    # Visual Designer encodes names twice and needs 404.
    assert fetch(f"{account}/Applications/a%252Fb.json", CHILD)[0] == 404
    status, headers, body = fetch(f"{proxied}{BASE}/Accounts.json/child%40example.com", CHILD)
    assert status == 200
    # The address a client sees, not the one behind the proxy.
    assert re.match(rf"<{proxied}{BASE}/Profiles/", headers["Link"])
    status, _, body = fetch(f"{account}/Applications", CHILD, b"FriendlyName=caf\xe9")
    assert status == 200 and "<FriendlyName>café</FriendlyName>" in body.decode()
    assert fetch(f"{account}/Applications")[0] == 401


class DyingService(BaseHTTPRequestHandler):
    """A service that answers Health and Logout, but nothing to what else it has read."""

    read: ClassVar[list[str]] = []

    def do_GET(self):
        """Answer ``OK``, or note the method and break off."""
        if self.path.endswith(("/Health", "/Logout")):
            reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"
            self.wfile.write(reply.encode())
        else:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.read.append(self.command)
        self.close_connection = True

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def before_a_dying_service(tmp_path):
    """The port of an HAProxy, configured for a cluster, before a DyingService."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), DyingService)
    threading.Thread(target=server.serve_forever).start()
    port = free_port()
    config = HAPROXY_CONFIG.replace("127.0.0.1:8080", f"127.0.0.1:{server.server_port}")
    process = subprocess.Popen(haproxy(tmp_path, port, config))
    wait_for(f"http://127.0.0.1:{port}", process)
    DyingService.read.clear()
    yield port
    process.terminate()
    process.wait(30)
    server.shutdown()
    server.server_close()


def send_at_once(port, method):
    """Send head and body in one piece, the only ones that HAProxy can repeat; give the reply."""
    head = f"{method} {BASE}{LIST} HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(head.encode() + b"FriendlyName=x")
        return connection.makefile("rb").read()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_haproxy_sends_no_write_again(before_a_dying_service, method):
    assert send_at_once(before_a_dying_service, method).startswith(b"HTTP/1.1 502 ")
    assert DyingService.read == [method]


def test_haproxy_sends_a_read_again(before_a_dying_service):
    assert fetch(f"http://127.0.0.1:{before_a_dying_service}{BASE}{LIST}")[0] == 502
    assert DyingService.read == ["GET"] * 4


def test_haproxy_answers_the_second_request_of_a_client_too(before_a_dying_service):
    with KeptAliveClient(before_a_dying_service, CHILD) as client:
        for _ in range(2):
            status, error = client.request("POST", LIST, {"FriendlyName": "x"})
            assert (status, error["code"]) == (502, 20503)
    assert DyingService.read == ["POST"] * 2


def test_proxy_adds_the_address_that_counts(proxied):
    """The clients are on this machine too: a proxy that is trusted names what it claims for them.

    So what they claim is believed here, and one at 127.0.0.1 that claims nothing is another one.
    """
    wrong = CHILD | {"auth_token": "wrong"}
    url = f"{proxied}{BASE}/Accounts/{CHILD['sid']}/Applications"
    claims = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    statuses = [fetch(url, wrong, headers=claims)[0] for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    # What stands before the last address that is no proxy's may be forged.
    claims = {"X-Forwarded-For": "192.0.2.2, 198.51.100.7"}
    assert fetch(url, CHILD, headers=claims)[0] == 429
    assert fetch(url, CHILD)[0] == 200


def test_proxy_overwrites_the_scheme(proxied):
    url = f"{proxied}{BASE}/Accounts/{CHILD['sid']}"
    headers = fetch(url, CHILD, headers={"X-Forwarded-Proto": "https"})[1]
    assert headers["Link"].startswith(f"<{proxied}/")
    assert "Strict-Transport-Security" not in headers
