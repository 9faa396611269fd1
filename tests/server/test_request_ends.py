"""Where requests end: the served application sees what gunicorn's parser reads, and nothing else.

Streams of requests are sent to a real ``serve``, cut anywhere, and given to gunicorn's parser
alone.
"make soak" raises their number by the variable SCALE.
"""

from collections import Counter

import pytest
from hypothesis import given, note

from ..support.parser import understand
from ..support.randomly import RANDOMLY
from ..support.recording import exchange, split_replies, start_recording
from ..support.scale import EXAMPLES
from ..support.smuggling import ATTACKS, CUTS
from ..support.streams import STREAMS

# Of streams; the test has to meet each.
KINDS = ("in pieces", "several", "refused", "broken", "bodies")


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


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_no_body_is_a_request(recording_service, cut):
    for name, (head, body) in ATTACKS.items():
        try:
            check_stream(recording_service, cut(head, body))
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
