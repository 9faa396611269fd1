"""What an attacker tries at the door: guessing, forged addresses, injections, bombs, path tricks.

Slow clients are in tests/soak/test_abuse.py. docs/security.md tells what holds and why.
"""

import base64
import http.client
import json
import logging
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from ..support.rows import CHILD, FULL, PARENT, STRANGER, TABLES, account_row
from ..support.service import BASE, Gunicorn, Service, authorization

LIST = f"/Accounts/{CHILD['sid']}/Applications"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.99"}
LIMIT = 5


@pytest.fixture
def service(make_service):
    """The application with a limit of failed logins."""
    service = make_service(LOGIN_LIMIT=f"{LIMIT}/hour")
    service.insert(TABLES)
    return service


def basic(name, password):
    """Give a Basic header."""
    octets = f"{name}:{password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(octets).decode()}


def attempt(service, name=CHILD["sid"], password="wrong", address="127.0.0.1", headers=None):
    """Try to log in from an address; give the status."""
    headers = basic(name, password) | (headers or {})
    environ = {"REMOTE_ADDR": address}
    return service.request("GET", LIST, headers=headers, environ_overrides=environ).status_code


def fail(service, times=LIMIT, **options):
    """Fail to log in that many times."""
    assert [attempt(service, **options) for _ in range(times)] == [401] * times


# Guessing.


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_login_after_too_many_failures_is_refused(service, suffix):
    fail(service)
    reply = service.request("GET", f"{LIST}.{suffix}", headers=basic(CHILD["sid"], "wrong"))
    assert reply.status_code == 429
    assert 3500 < int(reply.headers["Retry-After"]) <= 3600
    assert "20429" in reply.text and "WWW-Authenticate" not in reply.headers


def test_right_credentials_are_refused_as_the_wrong_ones(service):
    """Or the refusals would tell which guess was right."""
    fail(service)
    right, wrong = (
        service.request("GET", LIST, headers=basic(CHILD["sid"], password))
        for password in (CHILD["auth_token"], "wrong")
    )
    assert (right.status_code, right.data) == (wrong.status_code, wrong.data)


def test_right_login_from_elsewhere_is_not_locked_out(service):
    fail(service)
    assert attempt(service) == 429
    reply = service.request("GET", LIST, CHILD, environ_overrides=ELSEWHERE)
    assert reply.status_code == 200


def test_other_account_at_the_same_address_is_not_locked_out(service):
    fail(service)
    path = f"/Accounts/{STRANGER['sid']}/Applications"
    assert service.request("GET", path, STRANGER).status_code == 200


def test_right_logins_and_requests_without_credentials_do_not_count(service):
    for _ in range(LIMIT * 12):
        assert service.request("GET", LIST).status_code == 401
        assert service.request("GET", LIST, CHILD).status_code == 200
    fail(service)


@pytest.mark.parametrize(
    "name",
    [
        CHILD["email_address"],
        CHILD["email_address"].upper(),
        CHILD["sid"].lower(),
        f" {CHILD['sid']}",
        f"{CHILD['sid']} ",
        f"{CHILD['email_address']}   ",
    ],
)
def test_sid_and_address_of_an_account_share_one_budget(service, name):
    fail(service)
    assert attempt(service, name=name) == 429
    # Without padding nothing is another account either.
    unpadded = {"Authorization": basic(name, "wrong")["Authorization"].rstrip("=")}
    assert attempt(service, headers=unpadded) == 429


def test_blanks_and_padding_give_no_budget_of_their_own(service):
    for number in range(LIMIT):
        header = basic(CHILD["sid"] + " " * number, f"wrong{number}")["Authorization"]
        headers = {"Authorization": header.rstrip("=")}
        assert attempt(service, headers=headers) == 401
    assert attempt(service) == 429


def test_many_accounts_from_one_address_share_another_budget(service):
    for number in range(LIMIT * 10):
        assert attempt(service, name=f"user{number}@example.com") == 401
    assert attempt(service, name="another@example.com") == 429
    assert service.request("GET", LIST, CHILD).status_code == 429
    assert service.request("GET", LIST, CHILD, environ_overrides=ELSEWHERE).status_code == 200


def test_addresses_of_one_ipv6_network_are_one_client(service):
    for number in range(LIMIT):
        assert attempt(service, address=f"2001:db8::{number:x}") == 401
    assert attempt(service, address="2001:db8::ffff:1:2:3") == 429
    assert attempt(service, address="2001:db8:0:1::1") == 401
    # IPv4 as a listener on [::] sees it is no such network.
    fail(service, address="::ffff:192.0.2.1")
    assert attempt(service, address="::ffff:192.0.2.2") == 401


def test_failures_are_forgotten_after_their_time(make_service):
    service = make_service(LOGIN_LIMIT="1/second")
    service.insert(TABLES)
    fail(service, times=1)
    deadline = time.monotonic() + 10
    while service.request("GET", LIST, CHILD).status_code == 429:
        assert time.monotonic() < deadline, "it is locked out for good"
        time.sleep(0.02)
    assert attempt(service) == 401


def test_no_limit_refuses_nobody(make_service):
    service = make_service(LOGIN_LIMIT="0")
    service.insert(TABLES)
    fail(service, times=200)


def test_thousand_wrong_passwords_leave_the_rightful_client_alone(make_gunicorn, database_url):
    """More than a thousand a minute: as fast as they are answered."""
    gunicorn = make_gunicorn(workers=2, LOGIN_LIMIT="10/minute").start()
    rows = Service(database_url)
    rows.insert(TABLES)
    rows.close()

    def guess(number):
        # The whole of 127.0.0.0/8 is this machine.
        attacker = http.client.HTTPConnection(
            "127.0.0.1", gunicorn.port, source_address=("127.0.0.2", 0)
        )
        statuses = []
        for n in range(250):
            attacker.request("GET", BASE + LIST, headers=basic(CHILD["sid"], f"{number}-{n}"))
            reply = attacker.getresponse()
            reply.read()
            statuses.append(reply.status)
        attacker.close()
        return statuses

    with ThreadPoolExecutor(4) as pool:
        guesses = [pool.submit(guess, number) for number in range(4)]
        served = 0
        while served < 20 or not all(each.done() for each in guesses):
            assert gunicorn.request("GET", LIST, CHILD)[0] == 200
            served += 1
    statuses = [status for guess in guesses for status in guess.result()]
    assert len(statuses) == 1000 and set(statuses) == {401, 429}
    # Each process counts by itself, and at most one guess a client is on its way when it is full.
    assert statuses.count(401) <= 2 * (10 + 4)


@pytest.mark.parametrize("column", ["sid", "email_address"])
def test_unknown_account_takes_as_long_as_a_known_one(make_service, column):
    service = make_service(LOG_LEVEL="warning")
    # Many, so that both look-ups go down an index of some depth.
    known = [account_row(f"user{number}")[column] for number in range(300)]
    service.insert({"restcomm_accounts": [account_row(f"user{n}") for n in range(300)]})
    unknown = [account_row(f"nobody{number}")[column] for number in range(300)]
    ratios = []
    # Other work on the machine shifts the medians of a round; a difference shifts those of all.
    while not any(0.9 < ratio < 1.1 for ratio in ratios):
        assert len(ratios) < 4, f"known takes {ratios} times as long as unknown"
        ratios.append(ratio_of_medians(service, known, unknown))


def ratio_of_medians(service, known, unknown):
    """Fail 500 times with each kind of name in turn; compare the time this thread worked."""
    seconds = {"known": [], "unknown": []}
    for number in range(500):
        pairs = [("known", known[number % 300]), ("unknown", unknown[number % 300])]
        for kind, name in pairs if number % 2 else reversed(pairs):
            headers = basic(name, "wrong")
            began = time.thread_time()
            reply = service.client.get(BASE + LIST, headers=headers)
            seconds[kind].append(time.thread_time() - began)
            assert reply.status_code == 401
    return statistics.median(seconds["known"]) / statistics.median(seconds["unknown"])


# Forged addresses.


def test_forged_address_of_a_client_is_ignored(service):
    for number in range(LIMIT):
        assert attempt(service, headers={"X-Forwarded-For": f"192.0.2.{number}"}) == 401
    assert attempt(service, headers={"X-Forwarded-For": "192.0.2.200"}) == 429


CHAINS = {
    "one proxy": ("198.51.100.7", "198.51.100.7"),
    "forged before it": ("10.0.0.1, 192.0.2.1, 198.51.100.7", "198.51.100.7"),
    "two proxies": ("192.0.2.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
    "only proxies": ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
    "nothing": (None, "10.0.0.1"),
    "no address": ("nonsense", "10.0.0.1"),
    "no address behind one": ("198.51.100.7, nonsense, 10.0.0.2", "10.0.0.2"),
    "IPv6": ("2001:db8::7", "2001:db8::7"),
    "IPv4 in IPv6": ("::ffff:198.51.100.7", "198.51.100.7"),
    "a line break": ("198.51.100.7\n[ERROR] forged", "10.0.0.1"),
}


@pytest.mark.parametrize(("chain", "client"), CHAINS.values(), ids=CHAINS)
def test_trusted_proxy_names_the_client(make_service, caplog, chain, client):
    service = make_service(TRUSTED_PROXIES="10.0.0.0/8")
    service.insert(TABLES)
    environ = {"REMOTE_ADDR": "10.0.0.1"}
    if chain is not None:
        environ["HTTP_X_FORWARDED_FOR"] = chain
    with caplog.at_level(logging.INFO, logger="restcomm_apps"):
        service.request("GET", LIST, environ_overrides=environ)
    assert caplog.messages[-1].endswith(f", address {client}")


@pytest.mark.parametrize(
    ("trusted", "peer", "scheme"),
    [
        ("", "127.0.0.1", "http"),
        ("10.0.0.0/8", "127.0.0.1", "http"),
        ("127.0.0.1", "127.0.0.1", "https"),
        ("127.0.0.1", "", "http"),
        ("unix", "", "https"),
        ("unix", "127.0.0.1", "http"),
    ],
)
def test_scheme_comes_from_trusted_proxies_alone(make_service, trusted, peer, scheme):
    service = make_service(TRUSTED_PROXIES=trusted)
    service.insert(TABLES)
    reply = service.request(
        "GET",
        f"/Accounts/{CHILD['sid']}",
        CHILD,
        {"X-Forwarded-Proto": "https"},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    assert reply.headers["Link"].startswith(f"<{scheme}://localhost{BASE}/")
    assert ("Strict-Transport-Security" in reply.headers) == (scheme == "https")


@pytest.mark.parametrize(("trusted", "scheme"), [("", "http"), ("127.0.0.1", "https")])
def test_server_leaves_the_scheme_to_the_setting(make_gunicorn, database_url, trusted, scheme):
    """gunicorn itself believes 127.0.0.1 by default."""
    gunicorn = make_gunicorn(TRUSTED_PROXIES=trusted).start()
    rows = Service(database_url)
    rows.insert(TABLES)
    rows.close()
    headers = gunicorn.request(
        "GET", f"/Accounts/{CHILD['sid']}", CHILD, headers={"X-Forwarded-Proto": "https"}
    )[1]
    assert headers["Link"].startswith(f"<{scheme}://")


# Headers, logs.


def test_replies_carry_hardened_headers(make_gunicorn):
    gunicorn = make_gunicorn().start()
    for path in ("/Logout", "/Accounts", "/Nothing"):
        headers = gunicorn.request("GET", path)[1]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "gunicorn"
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", ["/Accounts", f"/Accounts/{CHILD['sid']}"])
def test_replies_with_tokens_are_kept_by_no_cache(service, path):
    for method in ("GET", "HEAD"):
        assert service.request(method, path, CHILD).headers["Cache-Control"] == "no-store"
    assert service.request("GET", LIST, CHILD).headers["Cache-Control"] == "private"


INJECTIONS = [
    "a\r\nX-Injected: yes",
    "a\n[2026-01-01 00:00:00 +0000] [1] [ERROR] forged",
    "\x1b[2J\x1b]0;title\x07",
    "a\u2028b\u2029c\u0085d\u202ee",
    "a%0d%0aX-Injected: yes",
    "%s %(message)s {0}",
    "\x00\x7f\x9b",
]


@pytest.mark.parametrize("text", INJECTIONS, ids=map(ascii, INJECTIONS))
def test_log_tells_a_refusal_on_one_printable_line(service, caplog, text):
    with caplog.at_level(logging.DEBUG, logger="restcomm_apps"):
        attempt(service, name=text + "x" * 5000, password="pass-word")
        service.request("GET", f"/{quote(text)}", headers=basic(text, "pass-word"))
    refusals = [each for each in caplog.messages if each.startswith("Refused")]
    assert len(refusals) == 2
    for line in caplog.messages:
        assert line.isprintable() and line.isascii() and len(line) < 1500
        assert "pass-word" not in line


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "401 no credentials; account -,"),
        (basic(CHILD["sid"], "wrong"), f"401 wrong credentials; account '{CHILD['sid']}',"),
        # Clients mix the two up.
        (basic(CHILD["auth_token"], CHILD["sid"]), "401 wrong credentials; account '(a token)',"),
        (authorization(STRANGER), f"403 The account may not do this; account '{STRANGER['sid']}',"),
    ],
    ids=["none", "wrong", "swapped", "forbidden"],
)
def test_log_tells_account_address_and_reason(service, caplog, headers, told):
    with caplog.at_level(logging.DEBUG, logger="restcomm_apps"):
        service.request("GET", LIST, headers=headers)
    assert caplog.messages[-1] == f"Refused GET '{BASE}{LIST}': {told} address 127.0.0.1"
    assert CHILD["auth_token"] not in caplog.text
    assert headers.get("Authorization", "nothing")[6:] not in caplog.text


def test_log_tells_why_a_login_was_not_tried(service, caplog):
    fail(service)
    with caplog.at_level(logging.INFO, logger="restcomm_apps"):
        attempt(service)
    assert ": 429 too many failures of the account from the address; account" in caplog.text


# Bodies.

SIZE = 2**20
# What decoding a megabyte of escapes costs, against copying a megabyte: both grow with the length.
MOST_TIMES = 50
PLAIN = b"FriendlyName=Plain&Filler=".ljust(SIZE, b"a")
BOMBS = {
    "a million names": b"&" * SIZE,
    "names": b"&".join(b"name%d=%d" % (n, n) for n in range(60000)),
    "all names it may hold": b"&".join(b"%25" * 300 for _ in range(1000)),
    "one name again and again": b"FriendlyName=a&" * (SIZE // 15),
    "escapes": b"FriendlyName=" + b"%25" * (SIZE // 3 - 5),
    "nested escapes": b"FriendlyName=%" + b"25" * (SIZE // 2 - 10),
    "broken escapes": b"FriendlyName=" + b"%" * (SIZE - 13),
    "plus signs": b"FriendlyName=" + b"+" * (SIZE - 13),
    "equals signs": b"=" * SIZE,
    "octets that are not UTF-8": b"FriendlyName=" + b"\xff" * (SIZE - 13),
    "a long URL": b"FriendlyName=a&RcmlUrl=http://" + b"a%20/" * (SIZE // 5 - 10),
    "a long number": b"FriendlyName=a&VoiceCallerIdLookup=" + b"9" * (SIZE - 40),
}


def seconds_to_create(service, body, media_type="application/x-www-form-urlencoded"):
    """Post a body three times; give the least seconds this thread worked, and the status."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        reply = service.request("POST", LIST, CHILD, data=body, content_type=media_type)
        taken.append(time.thread_time() - began)
    return min(taken), reply.status_code


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_form_bomb_costs_little_more_than_a_plain_form(service, body):
    plain, status = seconds_to_create(service, PLAIN)
    assert status == 200
    taken, status = seconds_to_create(service, body)
    print(f"\n{taken / plain:.1f} times a plain form of {plain * 1000:.1f} ms")
    assert status in (200, 400)
    assert taken < MOST_TIMES * plain


def test_xml_bomb_is_not_read(service):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE b [<!ENTITY e0 "lol">{entities}]><b>&e9;</b>'.encode()
    assert seconds_to_create(service, bomb, "application/xml")[1] == 415
    assert seconds_to_create(service, bomb, "text/xml")[1] == 415
    assert seconds_to_create(service, bomb)[1] == 400


# Paths.

OWN, FOREIGN = CHILD["sid"], STRANGER["sid"]
TRICKS = [
    f"/Accounts/{OWN}/../{FOREIGN}/Applications",
    f"/Accounts/{OWN}/%2e%2e/{FOREIGN}/Applications",
    f"/Accounts/{OWN}/%2E./{FOREIGN}/Applications",
    f"/Accounts/{OWN}/.%2e;x=y/{FOREIGN}/Applications",
    f"/Accounts/{OWN}%2f..%2f{FOREIGN}/Applications",
    f"/Accounts/{OWN}%5c..%5c{FOREIGN}/Applications",
    f"/Accounts/{OWN}%252f..%252f{FOREIGN}/Applications",
    f"/Accounts/{OWN}%00{FOREIGN}/Applications",
    f"/Accounts/{FOREIGN}%00/Applications",
    f"/Accounts/{FOREIGN};{OWN}/Applications",
    f"/Accounts/;{OWN}/{FOREIGN}/Applications",
    f"/Accounts/{FOREIGN}.json/Applications",
    f"/Accounts/{FOREIGN}//Applications",
    f"/Accounts/{FOREIGN}/Applications?x=/Accounts/{OWN}",
    f"/Accounts/{FOREIGN}/Applications;x=/Logout",
    f"/Accounts/{OWN}/Applications/..;/..;/{FOREIGN}/Applications",
    f"/Logout/../Accounts/{FOREIGN}/Applications",
    f"/Logout/%2e%2e/Accounts/{FOREIGN}/Applications",
    f"/Logout;/../Accounts/{FOREIGN}/Applications",
    f"/Logout%2f..%2fAccounts/{FOREIGN}/Applications",
    f"/Logout%00/Accounts/{FOREIGN}/Applications",
    f"/%4cogout/../Accounts/{FOREIGN}/Applications",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A function that sends a raw target to a real service, as CHILD or nobody."""
    folder = tmp_path_factory.mktemp("attacks")
    url = f"sqlite:///{folder}/restcomm-apps.db"
    rows = Service(url)
    rows.insert(TABLES)
    rows.close()
    gunicorn = Gunicorn(url, log=folder / "log").start()

    def send(target, account=None):
        headers = authorization(account) if account else {}
        lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", gunicorn.port), 30) as client:
            client.sendall("\r\n".join([*lines, "", ""]).encode())
            head, _, body = b"".join(iter(lambda: client.recv(4096), b"")).partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    yield send
    gunicorn.kill()


@pytest.mark.parametrize("path", TRICKS)
def test_path_trick_opens_nothing(served, path):
    # A parent is asked, too: with ACCESS=owner it may not either.
    for account in (None, CHILD, PARENT):
        status, body = served(BASE + path, account)
        assert status in (400, 401, 403, 404), body
        assert status != 401 or account is None
        for application in TABLES["restcomm_applications"]:
            assert application["sid"].encode() not in body


@pytest.mark.parametrize("path", ["/Logout", "/Logout.json", "/Logout;x", "//Logout/"])
def test_path_without_credentials_opens_logout_alone(served, path):
    assert served(BASE + path) == (200, b"OK")
    assert served(f"{BASE}{path}/{OWN}")[0] == 401
    assert json.loads(served(f"{BASE}{LIST}/{FULL['sid']}.json", CHILD)[1])["sid"] == FULL["sid"]


def test_guesses_in_parallel_are_limited_as_others_are(make_gunicorn):
    gunicorn = make_gunicorn(LOGIN_LIMIT="10/day").start()
    with ExitStack() as stack:
        clients = []
        for number in range(100):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", gunicorn.port), 30))
            credentials = authorization(CHILD, f"guess {number}")["Authorization"]
            head = f"GET {BASE}/Accounts HTTP/1.1\r\nHost: a\r\nAuthorization: {credentials}\r\n"
            client.sendall(head.encode())
            clients.append(client)
        for client in clients:
            client.sendall(b"\r\n")
        statuses = [client.recv(12)[-3:] for client in clients]
    assert set(statuses) == {b"401", b"429"}
    assert statuses.count(b"401") == 10


@pytest.mark.parametrize("path", ["/Accounts/{}", "/Accounts/x:{}/Applications", "/{}.json"])
def test_token_in_the_path_is_not_logged(service, caplog, path):
    token = CHILD["auth_token"]
    service.request("GET", path.format(token), CHILD)
    service.request("GET", path.format(token), CHILD | {"sid": f"x {token}"})
    service.request("GET", f"/Accounts/{CHILD['sid']}/Nothing", CHILD)
    assert token not in caplog.text
    assert "(a token)" in caplog.text and CHILD["sid"] in caplog.text
