"""Lists of any size: streamed in batches, cut by a fault, compressed."""

import gzip
import http.client
import json
import zlib

import pytest

from restcomm_apps.resources import listings

from ..support.databases import connect_directly
from ..support.long_lists import fill
from ..support.rows import CHILD, number_row
from ..support.service import BASE, authorization

LIST = f"/Accounts/{CHILD['sid']}/Applications"
SUFFIXES = ["", ".json", ".csv"]
GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".json?includeNumbers=true", "?Kind=voice"])
def test_stream_is_the_whole_list(service, monkeypatch, database_url, suffix):
    fill(database_url, 95)
    numbers = [number_row(9, CHILD, sms_application_sid=f"AP{7919 + 1000:032d}")]
    service.insert({"restcomm_incoming_phone_numbers": numbers})
    whole = service.request("GET", LIST + suffix, CHILD)
    assert int(whole.headers["Content-Length"]) == len(whole.data)
    for batch in (1, 33, 97):
        monkeypatch.setattr(listings, "BATCH", batch)
        streamed = service.request("GET", LIST + suffix, CHILD)
        assert streamed.data == whole.data
        assert "Content-Length" not in streamed.headers
        assert "ETag" not in streamed.headers


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_stream_comes_in_chunks_and_keeps_the_connection(
    service, database_url, make_gunicorn, suffix
):
    fill(database_url, 1500)
    gunicorn = make_gunicorn().start()
    connection = http.client.HTTPConnection("127.0.0.1", gunicorn.port, timeout=30)
    bodies = []
    for headers in ({}, GZIP):
        connection.request("GET", BASE + LIST + suffix, headers=authorization(CHILD) | headers)
        reply = connection.getresponse()
        assert (reply.status, reply.getheader("Transfer-Encoding")) == (200, "chunked")
        assert reply.getheader("Vary") == "Accept-Encoding"
        body = reply.read()
        bodies.append(gzip.decompress(body) if headers else body)
    assert bodies[0] == bodies[1]
    assert bodies[0].count(b"Application 7") > 100
    for headers in ({}, GZIP):
        connection.request("HEAD", BASE + LIST + suffix, headers=authorization(CHILD) | headers)
        reply = connection.getresponse()
        assert (reply.status, reply.read()) == (200, b"")
        assert reply.getheader("Content-Encoding") == headers.get("Accept-Encoding")
    connection.close()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_fault_amid_a_stream_cuts_it(service, database_url, make_gunicorn, suffix):
    fill(database_url, 30000)
    service.close()
    gunicorn = make_gunicorn().start()
    connection = http.client.HTTPConnection("127.0.0.1", gunicorn.port, timeout=30)
    connection.request("GET", BASE + LIST + suffix, headers=authorization(CHILD))
    reply = connection.getresponse()
    begun = reply.read(1000)
    # More than the connection buffers is still to come, so the service waits for this client.
    other = connect_directly(database_url)
    other.execute("ALTER TABLE restcomm_applications RENAME TO elsewhere")
    other.commit()
    other.close()
    with pytest.raises(http.client.IncompleteRead):
        while piece := reply.read(100000):
            begun += piece
    assert len(begun) > 1000 and not begun.endswith((b"]", b"</RestcommResponse>"))
    connection.close()
    assert "elsewhere" not in begun.decode(errors="replace")
    assert "Error handling request" in gunicorn.log.read_text()


def test_fault_before_a_stream_is_told(service, database_url):
    connection = connect_directly(database_url)
    connection.execute("ALTER TABLE restcomm_applications RENAME TO elsewhere")
    connection.commit()
    connection.close()
    reply = service.request("GET", f"{LIST}.json", CHILD)
    assert (reply.status_code, reply.json["code"]) == (503, 20503)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".json?PageSize=40", "?PageSize=40"])
def test_list_is_compressed_for_who_accepts_it(service, database_url, suffix):
    fill(database_url, 30)
    plain = service.request("GET", LIST + suffix, CHILD)
    path = BASE + LIST + suffix
    headers = authorization(CHILD) | GZIP | {"X-Request-ID": "same"}
    reply = service.client.get(path, headers=headers)
    assert gzip.decompress(reply.data) == plain.data
    assert len(reply.data) * 5 < len(plain.data)
    assert (reply.headers["Content-Encoding"], reply.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert int(reply.headers["Content-Length"]) == len(reply.data)
    assert reply.headers["ETag"] == plain.headers["ETag"]
    head = service.client.head(path, headers=headers)
    assert dict(head.headers) == dict(reply.headers)
    known = GZIP | {"If-None-Match": reply.headers["ETag"]}
    unmodified = service.request("GET", LIST + suffix, CHILD, headers=known)
    assert (unmodified.status_code, unmodified.headers["Vary"]) == (304, "Accept-Encoding")
    assert "Content-Encoding" not in unmodified.headers


@pytest.mark.parametrize("accepted", [None, "", "identity", "gzip;q=0", "deflate, br", "*;q=0"])
def test_list_is_plain_for_others(service, database_url, accepted):
    fill(database_url, 30)
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    reply = service.request("GET", f"{LIST}.json", CHILD, headers=headers)
    assert "Content-Encoding" not in reply.headers
    assert reply.headers["Vary"] == "Accept-Encoding"


def test_short_list_is_plain(service):
    reply = service.request("GET", f"{LIST}.json?Kind=ussd", CHILD, headers=GZIP)
    assert len(reply.json) == 1 and "Content-Encoding" not in reply.headers


def test_compressed_stream_that_is_cut_is_no_gzip(service, database_url, monkeypatch):
    fill(database_url, 200)
    monkeypatch.setattr(listings, "BATCH", 150)
    reply = service.client.get(f"{BASE}{LIST}.json", headers=authorization(CHILD) | GZIP)
    with pytest.raises(json.JSONDecodeError):
        unzipper = zlib.decompressobj(wbits=31)
        json.loads(unzipper.decompress(reply.data[:-20]))
    assert len(json.loads(gzip.decompress(reply.data))) == 204
