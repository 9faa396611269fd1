"""Health: what a load balancer is told, without credentials."""

import pytest

from ..support.databases import connect_directly
from ..support.rows import CHILD, STRANGER
from ..support.service import authorization


@pytest.mark.parametrize("path", ["/Health", "/Health/", "/Health.json", "/Health.xml", "//Health"])
@pytest.mark.parametrize(
    "headers",
    [{}, authorization(CHILD), authorization(STRANGER, "wrong")],
    ids=["nobody", "an account", "a wrong password"],
)
def test_health_answers_ok_to_anyone(service, path, headers):
    reply = service.request("GET", path, headers=headers)
    assert (reply.status_code, reply.data) == (200, b"OK")
    assert reply.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in reply.headers


@pytest.mark.parametrize("path", ["/Health", "/Logout", "/restcomm/Health"])
def test_elsewhere_credentials_are_asked_for(service, path):
    assert service.client.get(path).status_code == 401


def test_health_needs_no_account(make_service):
    assert make_service().request("GET", "/Health").data == b"OK"


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_health_is_unavailable_while_the_database_is(service, database_url, suffix):
    connection = connect_directly(database_url)
    connection.execute("ALTER TABLE restcomm_accounts RENAME TO elsewhere")
    reply = service.request("GET", f"/Health{suffix}")
    assert reply.status_code == 503
    assert reply.headers["Cache-Control"] == "no-store"
    assert int(reply.headers["Retry-After"]) > 0
    assert "20503" in reply.text and "restcomm_" not in reply.text

    connection.execute("ALTER TABLE elsewhere RENAME TO restcomm_accounts")
    connection.close()
    assert service.request("GET", f"/Health{suffix}").status_code == 200
