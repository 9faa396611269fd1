"""Each resource's properties in wire order: XML name, JSON key and how to read it.

One table drives both formats. What a value looks like as bytes is ``render``'s business.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from restcomm_apps.domain.dates import format_dates, local_of
from restcomm_apps.domain.vocabulary import API_VERSION


class Site(NamedTuple):
    """What a property may need besides its row: the settings ROOT_PATH, TIMEZONE (a tzinfo) and
    TOKEN_IN_REPLIES.
    """

    root_path: str
    zone: Any
    shows_tokens: bool


# How a property's values look: text in quotes where the format has them; text without; the rows of
# one resource inside another, each a row; a list of such rows for each row, or None.
TEXT = "text"
BARE = "bare"
ONE = "one"
MANY = "many"


class Property(NamedTuple):
    """One property; ``xml`` or ``json`` is None where that format lacks it.

    ``read(columns, site)`` gives its values, one for each row, from the values of columns by
    name; None leaves it out of that row. ``of`` is the Resource of a property that is ONE or MANY.
    """

    xml: str | None
    json: str | None
    read: Callable
    kind: str = TEXT
    of: Any = None


class Columns(dict):
    """The values of rows by the name of their column: ``columns["sid"][0]`` is the first row's.

    Rows are named tuples, models or others with attributes. What a row lacks is None.
    """

    def __init__(self, rows):
        # Of named tuples of one kind all columns are had at once.
        if len(set(map(type, rows))) == 1 and hasattr(rows[0], "_fields"):
            super().__init__(zip(rows[0]._fields, zip(*rows)))
        self.rows = rows

    def __missing__(self, name):
        self[name] = column = [getattr(row, name, None) for row in self.rows]
        return column


class Resource(NamedTuple):
    """A resource's element name, its list's element name, and its properties in wire order.

    Every row has the first property, in both formats.
    """

    element: str
    list_element: str | None
    properties: tuple


def _column(name):
    return lambda columns, site: columns[name]


def _date(name):
    return lambda columns, site: format_dates(columns[name], site.zone)


def _flag(name):
    return lambda columns, site: ["true" if value else "false" for value in columns[name]]


def _rows(columns, site):
    return columns.rows


def _number(name):
    return lambda columns, site: [str(value) for value in columns[name]]


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


def _application_uri(suffix):
    # Not the stored one: a database may hold it with or without Restcomm's root.
    def uris(columns, site):
        base = f"{site.root_path}/{API_VERSION}/Accounts"
        sids = zip(columns["account_sid"], columns["sid"])
        return [f"{base}/{account}/Applications/{sid}{suffix}" for account, sid in sids]

    return uris


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
        Property(
            "VoiceCallerIdLookup", "voice_caller_id_lookup", _flag("voice_caller_id_lookup"), BARE
        ),
        Property("Uri", None, _application_uri("")),
        Property(None, "uri", _application_uri(".json")),
        Property("RcmlUrl", "rcml_url", _column("rcml_url")),
        Property("Kind", "kind", _column("kind")),
        Property("Numbers", "numbers", _column("numbers"), MANY, NUMBER),
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
        Property("Created", "created", _number("created"), BARE),
        Property("Updated", "updated", _number("updated"), BARE),
        Property("Removed", "removed", _number("removed"), BARE),
        Property("Applications", "applications", _column("applications"), MANY, APPLICATION),
    ),
)


def _account_uri(path, segment="Accounts"):
    return lambda columns, site: [f"/{API_VERSION}/{segment}/{s}{path}" for s in columns["sid"]]


def _subresource(xml, json, path):
    return (
        Property(xml, None, _account_uri(f"/{path}")),
        Property(None, json, _account_uri(f"/{path}.json")),
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


def _auth_token(columns, site):
    tokens = columns["auth_token"]
    shown = tokens if site.shows_tokens else [MASKED_TOKEN] * len(tokens)
    # A token that the reply's request has made is shown in any case, this once.
    return [new or token for new, token in zip(columns["new_token"], shown)]


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
        Property(None, "uri", _account_uri("", "Accounts.json")),
        Property("SubresourceUris", "subresource_uris", _rows, ONE, SUBRESOURCE_URIS),
    ),
)


class PropertyChange(NamedTuple):
    """What a property was and became, as texts; None where it had no value."""

    column: str
    before: str | None
    after: str | None


def _wire_names(columns, site):
    return [column.title().replace("_", "") for column in columns["column"]]


PROPERTY_CHANGE = Resource(
    "Property",
    None,
    (
        Property("Name", None, _wire_names),
        Property(None, "name", _column("column")),
        Property("From", "from", _column("before")),
        Property("To", "to", _column("after")),
    ),
)


def _property_changes(columns, site):
    return [
        [PropertyChange(name, *map(_as_text, pair)) for name, pair in json.loads(changed).items()]
        for changed in columns["properties"]
    ]


def _as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _change_dates(columns, site):
    return format_dates([local_of(utc, site.zone) for utc in columns["changed_at"]], site.zone)


CHANGE = Resource(
    "Change",
    "Changes",
    (
        Property("Sequence", "sequence", _number("sequence"), BARE),
        Property("DateCreated", "date_created", _change_dates),
        Property("Action", "action", _column("action")),
        Property("ApplicationSid", "application_sid", _column("resource_sid")),
        Property("AccountSid", "account_sid", _column("account_sid")),
        # Neither for a change on the command line; whose it was is no client's business.
        Property("EffectiveAccountSid", "effective_account_sid", _column("effective_account_sid")),
        Property("Address", "address", _column("address")),
        Property("RequestId", "request_id", _column("request_id")),
        Property("Properties", "properties", _property_changes, MANY, PROPERTY_CHANGE),
        Property("Hash", "hash", _column("hash")),
    ),
)

ERROR = Resource(
    "RestException",
    None,
    (
        Property("Status", "status", _number("status"), BARE),
        Property("Code", "code", _number("code"), BARE),
        Property("Message", "message", _column("message")),
        Property("MoreInfo", "more_info", _column("more_info")),
    ),
)
