"""No reply to one client reaches another behind the proxies of deploy/, where the requests of both
go to the service on one connection.

Each proxy runs as deploy/ has it, but keeps one connection to the service, and tells with each
request which one it passes on: what the service sees otherwise was smuggled.
"""

import json
import re
import subprocess
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, note, settings

from ..support.documentation import read
from ..support.parser import understand
from ..support.proxies import HAPROXY_CONFIG, apache, haproxy, nginx, wait_for
from ..support.randomly import RANDOMLY
from ..support.recorder import PASSED_ON
from ..support.recording import connect, end, receive, send_pieces, split_replies, start_recording
from ..support.rows import STRANGER
from ..support.scale import STREAMS_BEHIND_PROXIES
from ..support.service import BASE, authorization, free_port
from ..support.smuggling import ATTACKS, CUTS
from ..support.streams import STREAMS
from ..support.taps import Tap

pytestmark = pytest.mark.soak

# How long an answer is waited for that may never come: the proxy may want more of the request.
PATIENCE = 0.3  # seconds
ONE_PROCESS = """\
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
"""
TARGET = f"{BASE}/Accounts/{STRANGER['sid']}.json"


def replace(text, changes):
    """Replace each of some texts, which must be there."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def pooling_nginx(port):
    """Give deploy/nginx.conf with one connection to the service."""
    passed_on = f'proxy_set_header {PASSED_ON} "$request_method $request_uri";'
    changes = {"proxy_pass http://127.0.0.1:8080;": f"proxy_pass http://service; {passed_on}"}
    upstream = f"upstream service {{ server 127.0.0.1:{port}; keepalive 1; }}\n"
    return upstream + replace(read("deploy/nginx.conf"), changes)


def pooling_apache(port):
    """Give deploy/apache.conf with one connection to the service."""
    passed_on = f'RequestHeader set {PASSED_ON} "expr=%{{THE_REQUEST}}"\n</VirtualHost>'
    changes = {"127.0.0.1:8080": f"127.0.0.1:{port}", "nocanon\n": "nocanon max=1\n"}
    changes["</VirtualHost>"] = passed_on
    return ONE_PROCESS + replace(read("deploy/apache.conf"), changes)


def closing_haproxy(port):
    """Give the cluster's haproxy.cfg with one service, as it is: no connection serves twice."""
    # Nor does it ask for Health: everything that the service sees comes from a client.
    config = re.sub(r" *(server node[23]|default-server check) .*\n", "", HAPROXY_CONFIG)
    return replace(
        config,
        {
            "127.0.0.1:8081": f"127.0.0.1:{port}",
            "\nglobal\n": "\nglobal\n    nbthread 1\n",
            "option forwardfor": f"http-request set-header {PASSED_ON} %[method]\\ %[url]\n"
            "    option forwardfor",
        },
    )


def pooling_haproxy(port):
    """Give the same with one connection to the service, for whoever comes."""
    keep = "option http-keep-alive\n    http-reuse always"
    return replace(closing_haproxy(port), {"option httpclose": keep})


# (its command, its configuration, whether it keeps connections to the service)
PROXIES = {
    "nginx": (nginx, pooling_nginx, True),
    "apache": (apache, pooling_apache, True),
    "haproxy": (haproxy, pooling_haproxy, True),
    "haproxy-as-it-is": (haproxy, closing_haproxy, False),
}


class Proxied:
    """A recording service behind a proxy, with a tap between the two."""

    def __init__(self, service, make_command, make_config, pools, folder):
        self.service = service
        self.pools = pools
        self.port = free_port()
        self.asked = 0
        self.tap = Tap(service.port)
        command = make_command(folder, self.port, make_config(self.tap.port))
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(f"http://127.0.0.1:{self.port}", self.process)
        service.take_records()

    def attack(self, pieces, most):
        """Send pieces, wait a moment for as many replies, then give all that comes."""
        with connect(self.port) as client:
            send_pieces(client, pieces)
            return receive_heads(client, most) + end(client)

    def ask(self):
        """Send a request of another client, and give its id and its reply."""
        self.asked += 1
        fields = authorization(STRANGER) | {"Host": "a", "Connection": "close"}
        fields["X-Request-ID"] = f"own-{self.asked}"
        lines = [f"GET {TARGET} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
        with connect(self.port) as client:
            client.sendall("\r\n".join([*lines, "", ""]).encode())
            [reply] = split_replies(receive(client))
        return fields["X-Request-ID"], reply

    def close(self):
        """End the proxy and the tap."""
        self.process.terminate()
        self.process.wait(30)
        self.tap.close()


def receive_heads(client, most):
    """Give what comes until it holds so many heads, or nothing comes for a moment."""
    answer, seconds = b"", client.gettimeout()
    client.settimeout(PATIENCE)
    with suppress(TimeoutError, ConnectionError):
        while answer.count(b"\r\n\r\n") < most and (octets := client.recv(65536)):
            answer += octets
    client.settimeout(seconds)
    return answer


@pytest.fixture(scope="module")
def recording_service(make_database_url, tmp_path_factory):
    """One service for all proxies, with the rows of ``rows.TABLES``."""
    folder = tmp_path_factory.mktemp("recording")
    service = start_recording(make_database_url(), folder, TRUSTED_PROXIES="127.0.0.1")
    yield service
    service.kill()


@pytest.fixture(params=PROXIES.values(), ids=PROXIES)
def proxied(request, recording_service, tmp_path):
    """A proxy before the service."""
    proxied = Proxied(recording_service, *request.param, tmp_path)
    yield proxied
    proxied.close()
    check_replies(proxied.tap)


def check_replies(tap):
    """Assert that no connection to the service brings more replies than the proxy has requests."""
    for link in tap.links:
        replies = re.findall(rb"HTTP/1\.\d [2-5]\d\d ", link.replies)
        assert len(replies) <= len(re.findall(rb"(?i)\nX-Passed-On: ", link.requests)), link.replies
    tap.forget_ended()


def check_passed_on(record):
    """Assert that a request is one that the proxy passed on, as the proxy understood it."""
    assert record.passed_on is not None, f"smuggled: {record}"
    method, target = record.passed_on.split(" ")[:2]
    place, seen = urlsplit(target), urlsplit(record.target)
    assert (method, place.path, place.query) == (record.method, seen.path, seen.query)


def check_own(request_id, reply, records):
    """Assert that a reply is the one to the request of that id, which the service saw once; give
    its record.
    """
    own = [record for record in records if record.request_id == request_id]
    assert [(record.method, record.target) for record in own] == [("GET", TARGET)]
    assert (reply.number, reply.status) == (own[0].number, 200)
    assert reply.headers["x-request-id"] == request_id
    assert json.loads(reply.body)["sid"] == STRANGER["sid"]
    return own[0]


def check_attack(proxied, pieces, most):
    """Send an attack, then two requests of another client, and assert that each has its own reply
    and nothing any other; tell whether one came on a connection that the attacker had used.
    """
    answer = proxied.attack(pieces, most)
    asked = [proxied.ask(), proxied.ask()]
    check_replies(proxied.tap)
    records = proxied.service.take_records()
    for record in records:
        check_passed_on(record)
    own = [check_own(*each, records) for each in asked]
    others = [record for record in records if record not in own]
    numbers = [int(number) for number in re.findall(rb"(?i)\nx-record: (\d+)\r", answer)]
    assert {*numbers} <= {record.number for record in others} and numbers == sorted({*numbers})
    return bool({record.port for record in others} & {record.port for record in own})


def check_shared(proxied, shared, attacks):
    """Assert that the two clients shared a connection often, or never where the proxy closes it."""
    assert shared >= attacks // 10 if proxied.pools else shared == 0


@pytest.mark.parametrize("cut", [CUTS["whole"], CUTS["blocks"]], ids=["whole", "blocks"])
def test_attack_reaches_nobody_else(proxied, cut):
    shared = 0
    for name, (head, body) in ATTACKS.items():
        try:
            shared += check_attack(proxied, cut(head, body), 1)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
    check_shared(proxied, shared, len(ATTACKS))


def test_any_stream_reaches_nobody_else(proxied):
    shared = Counter()

    @settings(RANDOMLY, max_examples=STREAMS_BEHIND_PROXIES)
    @given(pieces=STREAMS)
    def send(pieces):
        note(f"sent: {pieces}")
        shared[check_attack(proxied, pieces, max(1, len(understand(pieces)[0])))] += 1

    send()
    check_shared(proxied, shared[True], STREAMS_BEHIND_PROXIES)
