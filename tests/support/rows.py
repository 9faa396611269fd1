"""The rows the tests run on: irregular on purpose, each odd row says which confusion it catches."""

import hashlib
import json
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
ORGANIZATION = "ORafbe225ad37541eba518a74248f0ac4c"
# The form of an account that is not there yet.
NEW_ACCOUNT = {"EmailAddress": "new@example.com", "Password": "pass word"}
DATE = "2016-06-01 10:00:00"


def load_data(name):
    """Read one of the recorded JSON files of tests/data."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def account_row(name, parent=None, **columns):
    """Make the row of an account whose e-mail is NAME@example.com and password is NAME."""
    email_address = f"{name}@example.com"
    sid = "AC" + hashlib.md5(email_address.encode()).hexdigest()
    row = {
        "sid": sid,
        "date_created": DATE,
        "date_updated": DATE,
        "email_address": email_address,
        "friendly_name": name,
        "parent_sid": parent and parent["sid"],
        "type": "Full",
        "status": "active",
        "auth_token": hashlib.md5(name.encode()).hexdigest(),
        "role": "Administrator",
        "uri": f"/2012-04-24/Accounts/{sid}",
        "organization_sid": ORGANIZATION,
    }
    return row | columns


def application_row(number, account, **columns):
    """Make the row of an application, AP and the number in 32 digits."""
    sid = f"AP{number:032d}"
    row = {
        "sid": sid,
        "date_created": DATE,
        "date_updated": DATE,
        "friendly_name": f"Application {number}",
        "account_sid": account["sid"],
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": False,
        "uri": f"/2012-04-24/Accounts/{account['sid']}/Applications/{sid}",
        "rcml_url": f"/visual-designer/services/apps/{sid}/controller",
        "kind": "voice",
    }
    return row | columns


def number_row(number, account, **columns):
    """Make the row of an incoming phone number, PN and the number in 32 digits."""
    sid = f"PN{number:032d}"
    row = {
        "sid": sid,
        "date_created": DATE,
        "date_updated": DATE,
        "friendly_name": f"Number {number}",
        "account_sid": account["sid"],
        "phone_number": f"+1555{number:04d}",
        "api_version": "2012-04-24",
        "voice_caller_id_lookup": False,
        "uri": f"/2012-04-24/Accounts/{account['sid']}/IncomingPhoneNumbers/{sid}",
        "organization_sid": ORGANIZATION,
    }
    return row | columns


def client_row(number, account, **columns):
    """Make the row of a SIP client, CL and the number in 32 digits."""
    sid = f"CL{number:032d}"
    row = {
        "sid": sid,
        "date_created": DATE,
        "date_updated": DATE,
        "account_sid": account["sid"],
        "api_version": "2012-04-24",
        "friendly_name": f"Client {number}",
        "login": f"client{number}",
        "password": "secret",
        "status": 1,
        "uri": f"/2012-04-24/Accounts/{account['sid']}/Clients/{sid}",
    }
    return row | columns


PARENT = account_row("parent")
CHILD = account_row("child", PARENT)
GRANDCHILD = account_row("grandchild", CHILD)
SIBLING = account_row("sibling", PARENT)
# A top account of its own: it shares no ancestor with the others.
STRANGER = account_row("stranger")

FULL = application_row(1, CHILD, rcml_url="http://example.com/a?b=1&c=2")
# Neither Kind nor RcmlUrl: an element for a null breaks a client.
BARE = application_row(2, CHILD, rcml_url=None, kind=None)
# The same name as FULL, and created before it: a list by name or by sid is out of order.
NAMESAKE = application_row(
    3, CHILD, friendly_name="Application 1", date_created="2016-05-01 10:00:00"
)
# Markup, quotes and an accent: each format escapes them in its own way.
MARKUP = application_row(4, CHILD, friendly_name="<&\"é'>", rcml_url="", kind="ussd")
PARENTS = application_row(5, PARENT)
STRANGERS = application_row(6, STRANGER)
GRANDCHILDS = application_row(7, GRANDCHILD)
SIBLINGS = application_row(8, SIBLING)

TABLES = {
    "restcomm_organizations": [
        {
            "sid": ORGANIZATION,
            "domain_name": "default.restcomm.com",
            "date_created": DATE,
            "date_updated": DATE,
            "status": "active",
        }
    ],
    "restcomm_accounts": [PARENT, CHILD, GRANDCHILD, SIBLING, STRANGER],
    "restcomm_applications": [
        FULL,
        BARE,
        NAMESAKE,
        MARKUP,
        PARENTS,
        STRANGERS,
        GRANDCHILDS,
        SIBLINGS,
    ],
    "restcomm_incoming_phone_numbers": [
        # Bound to two applications at once.
        number_row(1, CHILD, voice_application_sid=FULL["sid"], sms_application_sid=BARE["sid"]),
        # Bound twice to the same application.
        number_row(2, CHILD, ussd_application_sid=FULL["sid"], refer_application_sid=FULL["sid"]),
        number_row(3, CHILD),
        # A stranger's number that points at a foreign application.
        number_row(4, STRANGER, voice_application_sid=FULL["sid"]),
    ],
    "restcomm_clients": [
        client_row(1, CHILD, voice_application_sid=FULL["sid"]),
        client_row(2, CHILD, voice_application_sid=BARE["sid"]),
    ],
}
