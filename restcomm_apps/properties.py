"""Each resource's properties in wire order: XML name, JSON key and how to read it.

One table drives both formats. What a value looks like as bytes is ``render``'s business.
"""

from operator import attrgetter
from typing import Any, Callable, NamedTuple

from .dates import format_date

API_VERSION = "2012-04-24"


class Site(NamedTuple):
    """What a property may need besides its row: the settings ROOT_PATH, TIMEZONE (a tzinfo) and
    TOKEN_IN_REPLIES.
    """

    root_path: str
    zone: Any
    shows_tokens: bool


class Property(NamedTuple):
    """One property; ``xml`` or ``json`` is None where that format lacks it.

    ``read(row, site)`` gives a text, a bool, an int, a Nested or a Listed; None leaves it out.
    """

    xml: str | None
    json: str | None
    read: Callable


class Resource(NamedTuple):
    """A resource's element name, its list's element name, and its properties in wire order."""

    element: str
    list_element: str | None
    properties: tuple


class Nested(NamedTuple):
    """One resource inside another."""

    resource: Resource
    row: Any


class Listed(NamedTuple):
    """Several of one resource inside another."""

    resource: Resource
    rows: list


def _column(name):
    read = attrgetter(name)
    return lambda row, site: read(row)


def _date(name):
    read = attrgetter(name)

    def read_date(row, site):
        stored = read(row)
        return None if stored is None else format_date(stored, site.zone)

    return read_date


def _flag(name):
    read = attrgetter(name)
    return lambda row, site: bool(read(row))


NUMBER = Resource(
    "Number",
    None,
    (
        Property("Sid", "sid", _column("sid")),
        Property("FriendlyName", "friendly_name", _column("friendly_name")),
        Property("PhoneNumber", "phone_number", _column("phone_number")),
        Property("VoiceApplicationSid", "voice_application_sid", _column("voice_application_sid")),
        Property("SmsApplicationSid", "sms_application_sid", _column("sms_application_sid")),
        Property("UssdApplicationSid", "ussd_application_sid", _column("ussd_application_sid")),
        Property(None, "refer_application_sid", _column("refer_application_sid")),
    ),
)


def _application_uri(row, site):
    # Not the stored one: a database may hold it with or without Restcomm's root.
    return f"{site.root_path}/{API_VERSION}/Accounts/{row.account_sid}/Applications/{row.sid}"


def _application_numbers(row, site):
    numbers = getattr(row, "numbers", None)
    return None if numbers is None else Listed(NUMBER, numbers)


APPLICATION = Resource(
    "Application",
    "Applications",
    (
        Property("Sid", "sid", _column("sid")),
        Property("DateCreated", "date_created", _date("date_created")),
        Property("DateUpdated", "date_updated", _date("date_updated")),
        Property("FriendlyName", "friendly_name", _column("friendly_name")),
        Property("AccountSid", "account_sid", _column("account_sid")),
        Property("ApiVersion", "api_version", _column("api_version")),
        Property("VoiceCallerIdLookup", "voice_caller_id_lookup", _flag("voice_caller_id_lookup")),
        Property("Uri", None, _application_uri),
        Property(None, "uri", lambda row, site: _application_uri(row, site) + ".json"),
        Property("RcmlUrl", "rcml_url", _column("rcml_url")),
        Property("Kind", "kind", _column("kind")),
        Property("Numbers", "numbers", _application_numbers),
    ),
)


class BulkOutcome(NamedTuple):
    """What a bulk has done: how many of each, and the applications that it created or updated."""

    created: int
    updated: int
    removed: int
    applications: list


BULK = Resource(
    "Bulk",
    None,
    (
        Property("Created", "created", _column("created")),
        Property("Updated", "updated", _column("updated")),
        Property("Removed", "removed", _column("removed")),
        Property(
            "Applications", "applications", lambda row, site: Listed(APPLICATION, row.applications)
        ),
    ),
)


def _subresource(xml, json, path):
    def uri(row, site):
        return f"/{API_VERSION}/Accounts/{row.sid}/{path}"

    return (
        Property(xml, None, uri),
        Property(None, json, lambda row, site: uri(row, site) + ".json"),
    )


SUBRESOURCE_URIS = Resource(
    "SubresourceUris",
    None,
    (
        *_subresource("AvailablePhoneNumbers", "available_phone_numbers", "AvailablePhoneNumbers"),
        *_subresource("Calls", "calls", "Calls"),
        *_subresource("Conferences", "conferences", "Conferences"),
        *_subresource("IncomingPhoneNumbers", "incoming_phone_numbers", "IncomingPhoneNumbers"),
        *_subresource("Notifications", "notifications", "Notifications"),
        *_subresource("OutgoingCallerIds", "outgoing_caller_ids", "OutgoingCallerIds"),
        *_subresource("Recordings", "recordings", "Recordings"),
        *_subresource("Sandbox", "sandbox", "Sandbox"),
        *_subresource("SMSMessages", "sms_messages", "SMS/Messages"),
        *_subresource("Transcriptions", "transcriptions", "Transcriptions"),
    ),
)

# In place of a token that is not shown: of its length, and nobody's.
MASKED_TOKEN = "*" * 32


def _auth_token(row, site):
    new_token = getattr(row, "new_token", None)
    if new_token is not None:
        return new_token
    return row.auth_token if site.shows_tokens else MASKED_TOKEN


ACCOUNT = Resource(
    "Account",
    "Accounts",
    (
        Property("Sid", "sid", _column("sid")),
        Property("organization", "organization", _column("organization_sid")),
        Property("FriendlyName", "friendly_name", _column("friendly_name")),
        Property("EmailAddress", "email_address", _column("email_address")),
        # The original's two writers disagree on the order of these three.
        Property(None, "type", _column("type")),
        Property("Status", "status", _column("status")),
        Property("Role", "role", _column("role")),
        Property("Type", None, _column("type")),
        Property("DateCreated", "date_created", _date("date_created")),
        Property("DateUpdated", "date_updated", _date("date_updated")),
        Property("AuthToken", "auth_token", _auth_token),
        Property("Uri", None, _column("uri")),
        Property(None, "uri", lambda row, site: f"/{API_VERSION}/Accounts.json/{row.sid}"),
        Property(
            "SubresourceUris", "subresource_uris", lambda row, site: Nested(SUBRESOURCE_URIS, row)
        ),
    ),
)

ERROR = Resource(
    "RestException",
    None,
    (
        Property("Status", "status", _column("status")),
        Property("Code", "code", _column("code")),
        Property("Message", "message", _column("message")),
        Property("MoreInfo", "more_info", _column("more_info")),
    ),
)
