"""What is answered while the database does not answer."""

from .rows import CHILD, FULL

LIST = f"/Accounts/{CHILD['sid']}/Applications"


INSTANCE = f"{LIST}/{FULL['sid']}"


def check_unavailable(reply, json):
    """Assert the one reply that tells that the database does not answer, with nothing internal."""
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")
    if json:
        assert reply.mimetype == "application/json"
        assert reply.get_json()["code"] == 20503
    else:
        assert reply.mimetype == "application/xml"
        assert "<Code>20503</Code>" in reply.text
    secrets = (
        "restcomm_",
        "sqlite",
        "SQL",
        "table",
        "column",
        "malformed",
        "file",
        ".db",
        "Traceback",
    )
    assert [secret for secret in secrets if secret in reply.text] == []


def send_each(service, suffix):
    """Send one request of each kind; give the replies."""
    form = {"FriendlyName": "New"}
    return [
        service.request("GET", LIST + suffix, CHILD),
        service.request("POST", LIST + suffix, CHILD, data=form),
        service.request("GET", INSTANCE + suffix, CHILD),
        service.request("PUT", INSTANCE + suffix, CHILD, data=form),
        service.request("DELETE", INSTANCE + suffix, CHILD),
    ]
