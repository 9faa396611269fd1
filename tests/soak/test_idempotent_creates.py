"""Creates with an Idempotency-Key, each sent twice, the first time over a connection that is cut at
random: each is there once.
"""

import random
import socket
from collections import Counter
from contextlib import suppress

import pytest

from ..support.clients import KeptAliveClient, Unanswered
from ..support.replay import request_bytes
from ..support.rows import CHILD
from ..support.scale import CREATES
from ..support.service import BASE, authorization
from ..support.together import run_together

pytestmark = pytest.mark.soak

LIST = f"/Accounts/{CHILD['sid']}/Applications"
CLIENTS = 8
COUNT = 25 * CREATES


def cut(port, dice, octets):
    """Send a request and cut its connection somewhere; say where."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        place = dice.choice(("amid the request", "before the reply", "amid the reply", "after it"))
        end = dice.randrange(len(octets)) if place == "amid the request" else len(octets)
        connection.sendall(octets[:end])
        if place == "amid the reply":
            connection.recv(dice.randrange(1, 200))
        elif place == "after it":
            connection.recv(1 << 16)
    return place


def send_until_answered(client, form):
    """Send a create again wherever its kept connection has ended meanwhile, as a client may."""
    for _ in range(3):
        with suppress(Unanswered):
            return client.request("POST", LIST, form)
    raise AssertionError("a create was not answered three times")


def test_creates_sent_twice_are_there_once(gunicorn):
    gunicorn.start()

    def create(number):
        dice, places, sids = random.Random(number), Counter(), {}
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            plain = client.headers
            for count in range(COUNT // CLIENTS):
                name = f"{number}-{count}"
                form = {"FriendlyName": name}
                headers = plain | {"Idempotency-Key": name}
                headers |= {"Content-Type": "application/x-www-form-urlencoded"}
                octets = request_bytes(
                    "POST", BASE + LIST, headers.items(), f"FriendlyName={name}".encode(), "x"
                )
                places[cut(gunicorn.port, dice, octets)] += 1
                client.headers = headers
                status, application = send_until_answered(client, form)
                assert status == 200, application
                sids[name] = application["sid"]
        return places, sids

    results = run_together(CLIENTS, create)
    places = sum((each for each, _ in results), Counter())
    sids = {name: sid for _, each in results for name, sid in each.items()}
    with KeptAliveClient(gunicorn.port, CHILD) as client:
        client.headers = authorization(CHILD) | {"Accept": "application/json"}
        status, listed = client.request("GET", LIST)
    assert status == 200
    assert len(listed) == len(sids) == COUNT
    assert {each["friendly_name"]: each["sid"] for each in listed} == sids
    cuts = ", ".join(f"{count} {place}" for place, count in sorted(places.items()))
    print(f"\n{COUNT} creates sent twice, cut {cuts}: {len(listed)} applications")
