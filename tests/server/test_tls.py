"""serve --certfile --keyfile: who is answered over TLS, who is refused, what of it is logged."""

import json
import shutil
import signal
import socket
import ssl
import struct
import threading
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..support.databases import connect_directly
from ..support.document import make_certificate
from ..support.rows import account_row
from ..support.service import BASE

ACCOUNT = account_row("over-tls")
LOGOUT = f"GET {BASE}/Logout HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
SECONDS = 30


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate and its key."""
    return make_certificate(tmp_path)


@pytest.fixture
def gunicorn(make_gunicorn, certificate):
    """A service on TLS, one thread of one process: a client that hangs it hangs all."""
    certfile, keyfile = map(str, certificate)
    arguments = ["--certfile", certfile, "--keyfile", keyfile]
    return make_gunicorn(threads=1, arguments=arguments).start()


@pytest.fixture
def trust(monkeypatch, certificate):
    """Make this process's clients trust the certificate, and no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


def wait_for(condition, message):
    """Wait until a condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.02)


def exchange(gunicorn, octets):
    """Send octets without TLS; give all that comes until the service closes, and our address."""
    with socket.create_connection(("127.0.0.1", gunicorn.port), SECONDS) as client:
        client.sendall(octets)
        return b"".join(iter(lambda: receive(client), b"")), client.getsockname()


def receive(client):
    """Receive some octets, none where the service closed or reset the connection."""
    try:
        return client.recv(4096)
    except ConnectionResetError:
        return b""


def check_serving(gunicorn):
    """Assert that the next request is answered."""
    status, headers, body = gunicorn.request("GET", "/Logout", timeout=SECONDS)
    assert (status, headers["Content-Type"], body) == (200, "text/plain", b"OK")


def check_calm(gunicorn):
    """Assert that nothing was logged as an error."""
    text = gunicorn.log.read_text()
    assert "Traceback" not in text and "[ERROR]" not in text and "[CRITICAL]" not in text, text


def test_answers_over_tls(gunicorn, trust):
    gunicorn.run("add-account", ACCOUNT["email_address"], "--password", "over-tls")
    path = f"/Accounts/{ACCOUNT['sid']}/Applications.json"
    status, headers, body = gunicorn.request("POST", path, ACCOUNT, b"FriendlyName=Welcome")
    created = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(gunicorn.request("GET", path, ACCOUNT)[2]) == [created]
    database = connect_directly(gunicorn.environ["RESTCOMM_APPS_DATABASE_URL"])
    stored = database.execute("SELECT sid, friendly_name FROM restcomm_applications").fetchall()
    database.close()
    assert stored == [(created["sid"], "Welcome")]
    status, _, body = gunicorn.request("GET", path, ACCOUNT | {"auth_token": "wrong"})
    assert (status, json.loads(body)["status"]) == (401, 401)
    check_calm(gunicorn)


def test_is_not_trusted_without_the_certificate(gunicorn, monkeypatch, tmp_path):
    """Or the other tests would show nothing of the certificate."""
    folder = tmp_path / "another"
    folder.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(folder)[0]))
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        gunicorn.request("GET", "/Logout")
    check_calm(gunicorn)


@pytest.mark.parametrize(
    "octets",
    [
        LOGOUT,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000,
        b"\x00" * 64,
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["http", "http-with-body", "zeros", "ssh"],
)
def test_what_is_not_tls_is_closed(gunicorn, trust, octets):
    reply, address = exchange(gunicorn, octets)
    # At most a TLS alert: nothing of a reply in plain text.
    assert reply == b"" or reply[0] == 21, reply
    check_serving(gunicorn)
    wait_for(lambda: f"TLS with {address} failed" in gunicorn.log.read_text(), "it was not logged")
    check_calm(gunicorn)


@pytest.mark.parametrize("linger", [None, 0], ids=["closes", "resets"])
def test_client_that_leaves_during_the_handshake_is_forgotten(gunicorn, trust, linger):
    with socket.create_connection(("127.0.0.1", gunicorn.port), SECONDS) as client:
        client.sendall(b"\x16\x03\x01\x02\x00")  # the head of a record that never comes
        if linger is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, linger))
    check_serving(gunicorn)
    check_calm(gunicorn)


def handshake(gunicorn, certificate, version):
    """Offer one version of TLS, with ciphers it may use; give the version agreed on."""
    context = ssl.create_default_context(cafile=certificate[0])
    # Otherwise a modern OpenSSL would not even offer TLS 1.0 and 1.1.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", gunicorn.port), SECONDS) as client:
        with context.wrap_socket(client, server_hostname="127.0.0.1") as wrapped:
            agreed = wrapped.version()
            wrapped.sendall(LOGOUT)
            assert b"".join(iter(lambda: wrapped.recv(4096), b"")).endswith(b"\r\n\r\nOK")
            return agreed


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_versions_before_1_2_are_refused(gunicorn, trust, certificate):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises(ssl.SSLError) as caught:
            handshake(gunicorn, certificate, version)
        # The service's alert, not this client's own refusal to offer the version.
        assert caught.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
    assert handshake(gunicorn, certificate, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert handshake(gunicorn, certificate, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    check_calm(gunicorn)


def served_certificate(gunicorn):
    """Give the certificate that a client is shown, in PEM."""
    return ssl.get_server_certificate(("127.0.0.1", gunicorn.port), timeout=SECONDS)


def test_hangup_serves_on_with_the_renewed_certificate(gunicorn, trust, certificate, tmp_path):
    former = served_certificate(gunicorn)
    folder = tmp_path / "renewed"
    folder.mkdir()
    for new, old in zip(make_certificate(folder), certificate):
        shutil.copy(new, old)
    # Not before it is told, or it would meet a certificate without its key.
    assert served_certificate(gunicorn) == former
    hang_up(gunicorn)
    wait_for(lambda: "Worker exiting" in gunicorn.log.read_text(), "the old worker did not leave")
    check_serving(gunicorn)
    assert served_certificate(gunicorn) == certificate[0].read_text() != former
    check_calm(gunicorn)


def test_hangup_with_a_broken_certificate_keeps_the_former_one(gunicorn, trust, certificate):
    former = certificate[0].read_text()
    certificate[1].write_text("no key")
    hang_up(gunicorn)
    wait_for(lambda: "Worker exiting" in gunicorn.log.read_text(), "the old worker did not leave")
    check_serving(gunicorn)
    assert served_certificate(gunicorn) == former
    assert "[ERROR] The certificate cannot be renewed" in gunicorn.log.read_text()


def test_hangup_drops_no_request(gunicorn, trust):
    answered = []

    def ask():
        while len(answered) < 5 or not changed.is_set():
            check_serving(gunicorn)
            answered.append(True)

    changed = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask) for _ in range(4)]
        try:
            for _ in range(3):
                hang_up(gunicorn)
        finally:
            changed.set()
        for client in clients:
            client.result()
    check_calm(gunicorn)


def test_replies_over_tls_demand_tls(gunicorn, trust):
    headers = gunicorn.request("GET", "/Logout")[1]
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_slow_handshake_holds_no_thread(gunicorn, trust):
    """The service has but one thread."""
    clients = [socket.create_connection(("127.0.0.1", gunicorn.port)) for _ in range(20)]
    for client in clients:
        client.sendall(b"\x16\x03\x01\x02\x00\x01")
    began = time.monotonic()
    check_serving(gunicorn)
    assert time.monotonic() - began < 5
    for client in clients:
        client.close()


def test_hangup_keeps_serving(gunicorn, trust):
    for _ in range(3):
        check_serving(gunicorn)
        hang_up(gunicorn)
    check_serving(gunicorn)
    assert gunicorn.process.poll() is None
    check_calm(gunicorn)


def hang_up(gunicorn):
    """Send SIGHUP and wait until there is a new worker."""
    workers = gunicorn.log.read_text().count("Booting worker")
    gunicorn.process.send_signal(signal.SIGHUP)
    wait_for(
        lambda: gunicorn.log.read_text().count("Booting worker") > workers,
        "no new worker was started",
    )
