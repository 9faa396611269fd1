"""Streams of requests that are nearly right: how hypothesis makes them, and where it cuts them.

A stream is made of right requests, each a list of tokens: (slot, octets). A twist puts one of the
slot's TWISTS in the place of a token: a stream that is wrong is so in few places, and in any.
"""

from itertools import pairwise

from hypothesis import strategies as st

from .recorder import READERS
from .rows import CHILD
from .service import BASE, authorization

LIST = f"{BASE}/Accounts/{CHILD['sid']}/Applications"
CREDENTIALS = f"Authorization: {authorization(CHILD)['Authorization']}".encode()
# Bodies that would themselves be a request, or begin one that swallows what comes next.
HIDDEN = [
    f"GET {BASE}/Hidden HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    f"POST {BASE}/Hidden HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n".encode(),
    f"GET {BASE}/Hidden HTTP/1.1\r\nX-Swallow: ".encode(),
]
TARGETS = [
    *(f"{BASE}/Logout?{query}" for query in READERS),
    *(f"{LIST}?{query}" for query in READERS),
    *(LIST, LIST, LIST, f"{LIST}.json", f"{BASE}/Health", f"{BASE}/Logout", f"{BASE}/Accounts"),
]
LINES = [(b"POST", target.encode()) for target in TARGETS] + [
    *((b"GET", target.encode()) for target in TARGETS),
    *((method, LIST.encode()) for method in (b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH")),
]
PAYLOADS = [
    *(HIDDEN * 3),
    *(b"", b"a", b"FriendlyName=", b"Kind=voice&X=y", b"x" * 1500, b"0\r\n\r\n" + HIDDEN[0]),
    *(b"\r\n", b"\r\n" + HIDDEN[0], HIDDEN[0] + HIDDEN[2]),
]

NOISE = [
    *(b"\r", b"\n", b"\0", b" ", b"\t", b":", b";", b",", b'"', b"0", b"+", b"\x0b", b"\xff"),
    *(b"\r\n", b"a", b"1", b"\r\n\r\n", b"\n\n", b"\x80", b"%", b"chunked"),
]
_CODINGS = [
    *(b"Chunked", b" chunked", b"\tchunked", b"chunked ", b"chunked, identity"),
    *(b"identity, chunked", b"", b"identity", b"xchunked", b"chunked;q=1", b"gzip"),
    *(b"gzip, chunked", b"chunked, chunked", b"chunked,", b'"chunked"', b"\x0bchunked"),
    *(b"chunked\0", b"\xe9", b"chun\nked", b"\r\n chunked"),
]
_FIELDS = [
    *(b"Connection: keep-alive", b"Connection: close", b"connection: Close, x", b"Upgrade: h2c"),
    *(b"Expect: 100-continue", b"Expect: 100-Continue", b"Expect: x", b"Host: b", b"Trailer: X"),
    *(b"Content-Type: application/x-www-form-urlencoded", b"Content-Type: text/plain", b"X:"),
    *(b"X: a\r\n folded", b"X_Y: a", b"X : a", b": a", b"no colon", b"X: a\0b", b"\xff: a"),
    *(b"X: " + b"a" * 3000, b"TE: trailers", b"Content-Length: 0", b"Content-Length: 40"),
    *(b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: 5\r\nContent-Length: 6"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    *(b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked"),
]


def _lengths(right):
    """Other spellings of a decimal length, and other lengths."""
    n = int(right)
    return [
        *(b"%0*d" % (digits, n) for digits in (2, 18, 19, 19, 30, 5000)),
        *(b"%d" % max(n + off, 0) for off in (-3, -1, 1, 40)),
        *(form % n for form in (b"+%d", b"-%d", b"0x%x", b"%d.0", b"%d_", b"%de0", b"%d ", b" %d")),
        *(form % (n, n) for form in (b"%d, %d", b"%d %d", b"%d\r\n %d")),
        *(b"", b"0", b"00", b"\xb2", b"1" * 30, b"NaN", b"%d\0" % n, b"%d\nX: y" % n),
    ]


def _sizes(right):
    """Other spellings of the hexadecimal size of a chunk, and other sizes."""
    n = int(right, 16)
    forms = (b"%X", b"000%x", b"%x ", b"%x\t", b" %x", b"+%x", b"-%x", b"0x%x", b"%x_0", b"%x\0")
    return [
        *(form % n for form in (*forms, b"%x\r", b"%d", b"%x.")),
        *(b"%x" % max(n + off, 0) for off in (-1, 1, 2)),
        *(b"", b"f" * 16, b"1" + b"0" * 16, b"7fffffff", b"\xb2", b"0" * 300 + b"%x" % n),
    ]


# {slot: what may stand there instead, given what is right}
TWISTS = {
    "between": lambda _: [
        *(b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\0", b"\r", b"0\r\n\r\n", b"x", *HIDDEN, *HIDDEN)
    ],
    "method": lambda _: [b"CONNECT", b"get", b"PO ST", b"X", b"\nGET", b"", b"GE\0T", b"PROPFIND"],
    "target": lambda right: [
        *(b"http://a" + right, b"http://a", b"//a/b", b"*", b"a:80", b"/a b", b"/\xe9", b"/a#b"),
        *(b"/\x7f", b"", right + b"\t", b"http://a\\@b" + right),
    ],
    "version": lambda _: [
        *(b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/11"),
        *(b"HTTP/1.1 ", b"http/1.1", b"", b"HTTP/1.1\t"),
    ],
    "line end": lambda _: [b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\r\n ", b"", b"\n\n"],
    "field": lambda right: [right + b"\r\n" + field for field in _FIELDS],
    "length": _lengths,
    "length name": lambda _: [
        *(b"content-length:", b"Content-Length:\t", b"Content-Length : ", b"Content_Length: "),
        *(b" Content-Length: ", b"Content-Length\0: ", b"Content-Length:\r\n "),
        b"X: y\nContent-Length: ",
    ],
    "coding": lambda _: [
        *(b"Transfer-Encoding: " + text for text in _CODINGS),
        *(b"Transfer-Encoding: %s\r\nTransfer-Encoding: chunked" % text for text in _CODINGS),
        *(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: %s" % text for text in _CODINGS),
        *(b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked", b"X: y"),
        *(b"transfer-encoding:chunked", b" Transfer-Encoding: chunked"),
        b"Transfer-Encoding:\r\n chunked",
        *(b"Content-Length: %d\r\nTransfer-Encoding: chunked" % length for length in (0, 5, 40)),
        *(b"Transfer-Encoding: chunked\r\nContent-Length: %d" % length for length in (0, 5, 40)),
    ],
    "size": _sizes,
    "extension": lambda _: [
        *(b";a", b";a=b", b';a="b c"', b' ; a = "b\\""', b';a="\r\n"', b';a="\r"', b";a=\n"),
        *(b";a=\rb", b";", b";;", b";a=", b';a="', b";" + b"a" * 2000, b";\0", b" x"),
        b";a\r\n0\r\n\r\n",
        b";\n" + HIDDEN[0],
    ],
    "data": lambda right: [right[:-1], right + b"x", b"", right + b"\r\n", right + b"\n"],
    "trailers": lambda _: [
        *(b"X: a\r\n", b"X: a\r\nY: b\r\n", b"Content-Length: 5\r\n", b"no colon\r\n", b"X: a\n"),
        *(b"X: a\r\n b\r\n", b"Host: b\r\n", b"X: a\0\r\n", b"\n", HIDDEN[0]),
        b"Transfer-Encoding: chunked\r\n",
    ],
}


def _without(payload):
    return [], []


def _with_length(payload):
    field = [("length name", b"Content-Length: "), ("length", b"%d" % len(payload))]
    return [*field, ("line end", b"\r\n")], [("data", payload)]


def _chunk(payload):
    head = [("size", b"%x" % len(payload)), ("extension", b""), ("line end", b"\r\n")]
    return [*head, ("data", payload), ("line end", b"\r\n")]


def _chunked(*payloads):
    field = [("coding", b"Transfer-Encoding: chunked"), ("line end", b"\r\n")]
    chunks = [token for payload in payloads if payload for token in _chunk(payload)]
    last = [("size", b"0"), ("extension", b""), ("line end", b"\r\n")]
    return field, [*chunks, *last, ("trailers", b""), ("line end", b"\r\n")]


# Each makes a payload into the tokens of its fields and of its body.
FRAMINGS = [
    *(_without, _with_length, _with_length, _chunked),
    lambda payload: _chunked(payload[:3], payload[3:]),
    lambda payload: _chunked(payload, payload),
]


def _request(line, framing, payload, names):
    fields, body = framing(payload)
    return [
        *(("between", b""), ("method", line[0]), ("between words", b" "), ("target", line[1])),
        *(("between words", b" "), ("version", b"HTTP/1.1"), ("line end", b"\r\n")),
        *(("field", b"Host: a\r\n" + CREDENTIALS if names else b"Host: a"), ("line end", b"\r\n")),
        *(*fields, ("line end", b"\r\n"), *body),
    ]


def twist(tokens, number):
    """Put something else in the place of a token; a number says of which and what."""
    slots = sorted({slot for slot, _ in tokens} & TWISTS.keys())
    number, slot = divmod(number, len(slots))
    places = [n for n, token in enumerate(tokens) if token[0] == slots[slot]]
    number, place = divmod(number, len(places))
    _, right = tokens[places[place]]
    others = TWISTS[slots[slot]](right)
    # Of another slot from now on, as a twist of a twist might not know what it means.
    tokens[places[place]] = ("twisted", others[number % len(others)])


def cut(octets, cuts):
    """Cut octets at places, each a number and whether it counts the ends of lines, or octets."""
    line_ends = [n + 1 for n, octet in enumerate(octets) if octet in b"\r\n"] or [0]
    places = {
        line_ends[number % len(line_ends)] if at_line else number % (len(octets) + 1)
        for number, at_line in cuts
    }
    edges = sorted({0, *places, len(octets)})
    return [octets[begin:after] for begin, after in pairwise(edges)]


def choose(number, *alternatives):
    """Take one of each of the lists, as a number says."""
    chosen = []
    for each in alternatives:
        number, place = divmod(number, len(each))
        chosen.append(each[place])
    return chosen


def _make_noise(octets, number):
    """Put an octet or a few in the place of others, or leave the octets as they are."""
    happens, dropped, text = choose(number, [False] * 4 + [True], [0, 1, 2], NOISE)
    place = number // 300 % (len(octets) + 1)
    return octets[:place] + text + octets[place + dropped :] if happens else octets


def _stream(requests, twists, noise, length, cuts):
    tokens = []
    for number in requests:
        tokens += _request(*choose(number, LINES, FRAMINGS, PAYLOADS, [True, True, False]))
    for number in twists:
        twist(tokens, number)
    octets = b"".join(octets for _, octets in tokens)
    for number in noise:
        octets = _make_noise(octets, number)
    is_whole = choose(length, [True] * 9 + [False])[0]
    octets = octets if is_whole else octets[: length // 10 % (len(octets) + 1)]
    return cut(octets, [divmod(number, 2) for number in cuts])


# Few draws, as each takes its time: every choice is a part of a number.
NUMBERS = st.integers(0, 2**24)
# Lists of the pieces that a connection's octets are sent in.
STREAMS = st.builds(
    _stream,
    st.lists(NUMBERS, min_size=1, max_size=4),
    st.lists(NUMBERS, max_size=2),
    st.lists(NUMBERS, max_size=2),
    NUMBERS,
    st.lists(NUMBERS, max_size=5),
)
