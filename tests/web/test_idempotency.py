"""Idempotency-Key: the same request again gives the first answer again and changes nothing."""

import threading
from contextlib import closing

import pytest

from restcomm_apps.store.service_models import IdempotentReply
from restcomm_apps.web import idempotency

from ..support.clients import KeptAliveClient
from ..support.databases import BEGIN, connect_directly
from ..support.rows import CHILD, PARENT, TABLES
from ..support.together import run_together, wait_until

LIST = f"/Accounts/{CHILD['sid']}/Applications"
FORM = {"FriendlyName": "Once", "Kind": "sms"}
TABLE = "restcomm_apps_idempotent_replies"


def create(service, key, form=FORM, account=CHILD, path=f"{LIST}.json"):
    """Create an application with a key."""
    return service.request("POST", path, account, {"Idempotency-Key": key}, data=form)


def count(service):
    """Count the applications."""
    return len(service.dump()["restcomm_applications"])


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_create_again_gives_the_first_answer_again(service, suffix):
    before = count(service)
    first = create(service, "a", path=LIST + suffix)
    again = create(service, "a", path=LIST + suffix)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.data == first.data
    headers, replayed = dict(first.headers), dict(again.headers)
    assert replayed.pop("Idempotent-Replayed") == "true"
    assert headers.pop("X-Request-ID") != replayed.pop("X-Request-ID")
    assert replayed == headers
    assert count(service) == before + 1


def test_create_again_gives_the_first_answer_though_it_has_changed(service):
    first = create(service, "a")
    service.request("PUT", f"{LIST}/{first.get_json()['sid']}", CHILD, data={"Kind": "ussd"})
    assert create(service, "a").data == first.data
    service.request("DELETE", f"{LIST}/{first.get_json()['sid']}", CHILD)
    before = count(service)
    assert create(service, "a").data == first.data
    assert count(service) == before


def test_create_in_another_order_or_encoding_is_the_same_request(service):
    first = create(service, "a", form=b"FriendlyName=Once+more&Kind=sms")
    again = create(service, "a", form=b"Kind=sms&FriendlyName=Once%20more")
    assert again.data == first.data


@pytest.mark.parametrize(
    ("form", "path"),
    [
        (FORM | {"Kind": "ussd"}, f"{LIST}.json"),
        ({"FriendlyName": "Once"}, f"{LIST}.json"),
        (FORM | {"Kind": "fax"}, f"{LIST}.json"),
        (FORM, LIST),
    ],
    ids=["value", "parameter", "invalid", "format"],
)
def test_create_with_a_key_of_another_request_is_refused(service, form, path):
    create(service, "a")
    before = service.dump()
    reply = create(service, "a", form=form, path=path)
    assert reply.status_code == 422
    assert b"20422" in reply.data
    assert service.dump() == before


def test_create_with_another_key_is_another_request(service):
    before = count(service)
    for key in ("a", "b", "A", "a-", "'a'"):
        assert create(service, key).status_code == 200
    assert count(service) == before + 5


def test_create_by_another_caller_is_another_request(make_service):
    service = make_service(ACCESS="lineage")
    service.insert(TABLES)
    first = create(service, "a").get_json()
    second = create(service, "a", account=PARENT).get_json()
    assert first["sid"] != second["sid"]


def test_refusal_is_not_kept(service):
    assert create(service, "a", form={"Kind": "sms"}).get_json()["code"] == 21401
    assert IdempotentReply.select().count() == 0
    assert create(service, "a").status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
def test_key_of_another_form_is_refused(service, key):
    before = count(service)
    reply = create(service, key.encode().decode("latin-1"))
    assert (reply.status_code, reply.get_json()["code"]) == (400, 21403)
    assert reply.get_json()["message"] == (
        "Idempotency-Key must have 1 to 255 visible ASCII characters"
    )
    assert count(service) == before


def test_key_is_forgotten_after_a_day(service):
    first = create(service, "a").get_json()
    create(service, "other")
    day = idempotency.KEPT_SECONDS
    IdempotentReply.update(created=IdempotentReply.created - day + 60).execute()
    assert create(service, "a").get_json() == first
    IdempotentReply.update(created=IdempotentReply.created - 62).execute()
    second = create(service, "a").get_json()
    assert second["sid"] != first["sid"]
    assert create(service, "a").get_json() == second
    assert [row.idempotency_key for row in IdempotentReply.select()] == ["a"]


def test_two_at_once_create_one_application(service, database_url, make_gunicorn):
    before = count(service)
    gunicorn = make_gunicorn(workers=2, threads=4).start()

    def create_it(_):
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            client.headers = client.headers | {"Idempotency-Key": "a"}
            return client.request("POST", LIST, FORM)

    answers = run_together(8, create_it)
    assert {status for status, _ in answers} == {200}
    assert len({application["sid"] for _, application in answers}) == 1
    assert count(service) == before + 1


def test_second_waits_for_the_first(service, database_url, make_gunicorn):
    """The first is under way in a foreign transaction that ends without having done it."""
    gunicorn = make_gunicorn().start()
    foreign = connect_directly(database_url)
    foreign.execute(BEGIN)
    foreign.execute(
        f"INSERT INTO {TABLE} (account_sid, idempotency_key, created, fingerprint) "
        "VALUES (?, 'a', 4102444800, 'x')",
        (CHILD["sid"],),
    )
    answers = []

    def create_it():
        with KeptAliveClient(gunicorn.port, CHILD) as client:
            client.headers = client.headers | {"Idempotency-Key": "a"}
            client.send("POST", LIST, FORM)
            wait_until(client.is_taken, "the service to read")
            answers.append(client.receive())

    thread = threading.Thread(target=create_it)
    thread.start()
    thread.join(1)
    assert answers == []
    foreign.rollback()
    thread.join(30)
    assert answers[0][0] == 200
    foreign.close()


def test_database_without_the_table_provides_no_keys(service, database_url):
    with closing(connect_directly(database_url)) as connection:
        connection.execute(f"DROP TABLE {TABLE}")
    service.start_anew()
    reply = create(service, "a")
    assert (reply.status_code, reply.get_json()["code"]) == (501, 20501)
    assert service.request("POST", f"{LIST}.json", CHILD, data=FORM).status_code == 200
    assert service.request("GET", f"{LIST}.json", CHILD).status_code == 200
