"""Where requests end: the served application sees what gunicorn's parser reads, and nothing else.

Streams of requests are sent to a real ``serve``, cut anywhere, and given to gunicorn's parser alone.
"make soak" raises their number through the variable EXAMPLES.
"""

import os
from collections import Counter
from typing import NamedTuple

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.errors import NoMoreData, ParseException
from hypothesis import HealthCheck, given, note, settings

from ..support.recording import exchange, split_replies, start_recording
from ..support.smuggling import ATTACKS
from ..support.streams import STREAMS

EXAMPLES = int(os.environ.get("EXAMPLES", "500"))
# Where a run is short, the same streams each time.
RANDOMLY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def parser_settings():
    """What ``serve`` sets of what the parser looks at."""
    config = Config()
    config.set("limit_request_line", 8190)
    config.set("forwarded_allow_ips", "")
    config.set("secure_scheme_headers", {})
    config.set("forwarder_headers", "")
    return config


CONFIG = parser_settings()
# Of streams; the test has to meet each.
KINDS = ("in pieces", "several", "refused", "broken", "bodies")


class Understood(NamedTuple):
    """A request as the parser reads it; ``is_broken`` says that its body cannot be read to an end,
    ``body`` what can.
    """

    method: str
    target: str
    request_id: str | None
    body: bytes
    is_broken: bool


def understand(pieces):
    """Give what gunicorn's parser reads: Understood requests, and whether it then refuses one."""
    parser = get_parser(CONFIG, iter(pieces), ("127.0.0.1", 1))
    requests = []
    while not requests or not requests[-1].is_broken:
        try:
            request = next(parser)
        except (StopIteration, NoMoreData):
            return requests, False
        except ParseException:
            return requests, True
        ids = [text for name, text in request.headers if name == "X-REQUEST-ID"]
        told = (request.method, request.uri, ",".join(ids) or None)
        requests.append(Understood(*told, *read_body(request.body)))
    return requests, False


def read_body(body):
    """Read a body as far as it goes; give its octets and whether it is broken."""
    octets = b""
    try:
        while piece := body.read(64):
            octets += piece
    except (ParseException, NoMoreData):
        return octets, True
    return octets, False


def check_record(record, request):
    """Assert that the application saw a request as the parser understood it, and of its body as
    much as it asked for.
    """
    assert record[2:5] == request[:3]
    if record.has_raised:
        assert request.is_broken and request.body.startswith(record.body)
    else:
        assert record.body == request.body[: record.asked]
        assert not request.is_broken or len(record.body) == record.asked


def check_replies(replies, records, is_refused):
    """Assert one reply for each record, in their order, and one more for a head that is refused."""
    numbers = [record.number for record in records] + [None] * is_refused
    assert [reply.number for reply in replies] == numbers
    assert all(reply.status < 500 for reply in replies if reply.number is not None)


@pytest.fixture(scope="module")
def recording_service(make_database_url, tmp_path_factory):
    """One service for all streams, with the rows of ``rows.TABLES``."""
    service = start_recording(make_database_url(), tmp_path_factory.mktemp("recording"))
    yield service
    service.kill()


def check_stream(service, pieces):
    """Send pieces to the service and assert that it understands the parser's requests; give these
    and whether a head was refused, and the Records of those that were seen.
    """
    answer = exchange(service.port, pieces)
    records = service.take_records()
    requests, is_refused = understand(pieces)
    assert len(records) <= len(requests)
    for record, request in zip(records, requests):
        check_record(record, request)
    replies = split_replies(answer, [record.method for record in records])
    is_whole = len(records) == len(requests)
    check_replies(replies, records, is_refused and is_whole)
    # Only with a word is a connection ended earlier than the parser would.
    assert is_whole or replies[-1].headers.get("connection") == "close"
    return requests, is_refused, records


def test_any_stream_is_understood_as_the_parser_does(recording_service):
    met = Counter()

    @RANDOMLY
    @given(pieces=STREAMS)
    def send(pieces):
        note(f"sent: {pieces}")
        requests, is_refused, records = check_stream(recording_service, pieces)
        met["in pieces"] += len(pieces) > 1
        met["several"] += len(requests) > 1
        met["refused"] += is_refused
        met["broken"] += any(request.is_broken for request in requests)
        met["bodies"] += any(record.body for record in records)
        met["ended early"] += len(records) < len(requests)

    send()
    # A service that refuses or closes everything would show nothing.
    assert met.pop("ended early") <= EXAMPLES // 20
    assert all(met[kind] >= EXAMPLES // 20 for kind in KINDS), met


# Apache reads so much of a body before it passes on the head.
BLOCK = 16384


def cut_blocks(head, body):
    """Cut between head and body, and a long body."""
    return [head, *(body[at : at + BLOCK] for at in range(0, len(body), BLOCK))]


# Cut nowhere; between head and body; within the head and after each line of the body.
CUTS = {
    "whole": lambda head, body: [head + body],
    "blocks": cut_blocks,
    "lines": lambda head, body: [head[:-3], head[-3:], *body.splitlines(keepends=True)],
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_no_body_is_a_request(recording_service, cut):
    for name, (head, body) in ATTACKS.items():
        try:
            check_stream(recording_service, cut(head, body))
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
