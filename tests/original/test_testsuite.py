"""What the original's own testsuite expects of applications and accounts.

Source: legacy/CLIENTS.md, "Legacy testsuite assertions". The accounts are those of its database:
admin > primary > two sub-accounts, admin > secondary; password RestComm, but for secondary.
"""

from datetime import datetime

import pytest

from ..support.rows import account_row, application_row, number_row
from ..support.service import authorization

TOKEN = "77f8c12cc7b8f8423e5c38b035249166"
ADMIN = account_row("admin", sid="ACae6e420f425248d6a26948c17a9e2acf", auth_token=TOKEN)
PRIMARY = account_row("primary", ADMIN, sid="AC1ec5d14c34a421c7697e1ce5d4eac782", auth_token=TOKEN)
SUB_A = account_row("suba", PRIMARY, sid="AC5fa870789e95b7867a0fc0b85c5805e9", auth_token=TOKEN)
SUB_B = account_row("subb", PRIMARY, sid="AC5fa870789e95b7867a0fc0b85c5805e8", auth_token=TOKEN)
SECONDARY = account_row("secondary", ADMIN, sid="AC97c556cd186f58a08520fe5391c54f36")
USERS = {
    role: account_row(f"user-{role}", ADMIN, role=role) for role in ("User", "PowerUser", "Guest")
}
APPLICATIONS = {
    row["sid"]: application_row(number, row)
    for number, row in enumerate((ADMIN, PRIMARY, SUB_A, SECONDARY), 1)
}
BOUND = APPLICATIONS[ADMIN["sid"]]
NEW = {
    "FriendlyName": "APPCreate",
    "VoiceCallerIdLookup": "true",
    "RcmlUrl": "/restcomm/rcmlurl/test",
    "Kind": "voice",
}


@pytest.fixture
def service(make_service):
    """The application as the testsuite runs it."""
    service = make_service(
        ACCESS="lineage",
        ROLES="User=RestComm:Read:Accounts; PowerUser=RestComm:*:Accounts; Guest=",
        CORS_ORIGINS="http://rcmlserver.example.com",
    )
    service.insert(
        {
            "restcomm_accounts": [ADMIN, PRIMARY, SUB_A, SUB_B, SECONDARY, *USERS.values()],
            "restcomm_applications": list(APPLICATIONS.values()),
            "restcomm_incoming_phone_numbers": [
                number_row(1, ADMIN, phone_number="+1240", voice_application_sid=BOUND["sid"])
            ],
        }
    )
    return service


def statuses(service, caller, operated):
    """Give the statuses of applicationsApi's requests: list, get, create, update by POST, PUT."""
    path = f"/Accounts/{operated['sid']}/Applications"
    instance = f"{path}/{APPLICATIONS[operated['sid']]['sid']}.json"
    requests = [
        ("GET", f"{path}.json", None),
        ("GET", instance, None),
        ("POST", f"{path}.json", NEW),
        ("POST", instance, NEW),
        ("PUT", instance, {"Status": "closed"}),
    ]
    return [
        service.request(method, path, headers=caller, data=form).status_code
        for method, path, form in requests
    ]


@pytest.mark.parametrize("operated", [PRIMARY, SUB_A], ids=["own", "child"])
def test_multitenancy_allows_oneself_and_a_child(service, operated):
    caller = authorization({"sid": PRIMARY["email_address"]}, "RestComm")
    assert statuses(service, caller, operated) == [200] * 5


def test_multitenancy_allows_the_administrator(service):
    assert statuses(service, authorization(ADMIN, "RestComm"), PRIMARY) == [200] * 5


@pytest.mark.parametrize("operated", [ADMIN, SECONDARY], ids=["parent", "sibling"])
def test_multitenancy_denies_a_parent_and_a_sibling(service, operated):
    caller = authorization({"sid": PRIMARY["email_address"]}, "RestComm")
    assert statuses(service, caller, operated) == [403] * 5


def test_create_and_get_application(service):
    path = f"/Accounts/{ADMIN['sid']}/Applications"
    caller = authorization({"sid": ADMIN["email_address"]}, TOKEN)
    created = service.request("POST", f"{path}.json", headers=caller, data=NEW)
    assert created.status_code == 200
    shown = service.request("GET", f"{path}/{created.json['sid']}.json", headers=caller).json
    for key in ("date_created", "date_updated"):
        assert datetime.strptime(shown[key], "%a, %d %b %Y %H:%M:%S %z")
    assert shown["friendly_name"] == "APPCreate"
    assert shown["account_sid"] == ADMIN["sid"]
    assert shown["api_version"] == "2012-04-24"
    assert shown["voice_caller_id_lookup"] is True
    assert shown["rcml_url"] == "/restcomm/rcmlurl/test"
    assert shown["kind"] == "voice"
    listed = service.request("GET", f"{path}.json", headers=caller).json
    assert shown in listed


def test_list_applications_and_numbers(service):
    path = f"/Accounts/{ADMIN['sid']}/Applications.json?includeNumbers=true"
    [shown] = service.request("GET", path, ADMIN).json
    assert shown["numbers"][0]["phone_number"] == "+1240"
    assert shown["numbers"][0]["voice_application_sid"] == BOUND["sid"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_update_application(service, method):
    path = f"/Accounts/{ADMIN['sid']}/Applications/{BOUND['sid']}.json"
    form = NEW | {"Kind": "sms", "VoiceCallerIdLookup": "false"}
    assert service.request(method, path, ADMIN, data=form).status_code == 200
    shown = service.request("GET", path, ADMIN).json
    assert (shown["friendly_name"], shown["kind"]) == ("APPCreate", "sms")
    assert shown["voice_caller_id_lookup"] is False


def test_delete_application(service):
    path = f"/Accounts/{ADMIN['sid']}/Applications/{BOUND['sid']}.json"
    assert service.request("DELETE", path, ADMIN).status_code < 300
    assert service.request("GET", path, ADMIN).status_code >= 300


def test_close_account_nested_removes_its_applications(service):
    path = f"/Accounts.json/{PRIMARY['sid']}"
    assert service.request("PUT", path, ADMIN, data={"Status": "closed"}).status_code == 200
    for row in (PRIMARY, SUB_A):
        application = APPLICATIONS[row["sid"]]["sid"]
        path = f"/Accounts/{row['sid']}/Applications/{application}.json"
        assert service.request("GET", path, ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("role", "read", "changed"), [("User", 200, 403), ("PowerUser", 200, 200), ("Guest", 403, 403)]
)
def test_role_decides_on_ones_own_account(service, role, read, changed):
    path = f"/Accounts.json/{USERS[role]['sid']}"
    assert service.request("GET", path, USERS[role]).status_code == read
    form = {"FriendlyName": "renamed"}
    assert service.request("PUT", path, USERS[role], data=form).status_code == changed


@pytest.mark.parametrize("role", USERS)
def test_role_does_not_reach_a_sibling(service, role):
    path = f"/Accounts.json/{SECONDARY['sid']}"
    form = {"FriendlyName": "renamed"}
    assert service.request("GET", path, USERS[role]).status_code == 403
    assert service.request("PUT", path, USERS[role], data=form).status_code == 403


@pytest.mark.parametrize("headers", [{}, authorization(ADMIN, "wrong")], ids=["none", "wrong"])
def test_security_asks_for_credentials(service, headers):
    """With its doubled slash."""
    path = f"//Accounts/{ADMIN['sid']}//Applications.json"
    assert service.request("GET", path, headers=headers).status_code == 401


def test_security_refuses_a_closed_account(service):
    service.request("DELETE", f"/Accounts/{PRIMARY['sid']}", ADMIN)
    path = f"/Accounts/{PRIMARY['sid']}/Applications.json"
    assert service.request("GET", path, PRIMARY).status_code == 403


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://rcmlserver.example.com", "http://rcmlserver.example.com"),
        ("http://other.example.com", None),
    ],
)
def test_preflight_echoes_only_the_configured_origin(service, origin, allowed):
    reply = service.request("OPTIONS", f"/Accounts/{ADMIN['sid']}.json", headers={"Origin": origin})
    assert reply.status_code == 200
    assert reply.headers.get("Access-Control-Allow-Origin") == allowed
