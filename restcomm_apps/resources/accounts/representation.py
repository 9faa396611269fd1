"""What a client sees of accounts."""

from collections.abc import Sequence

from restcomm_apps.domain.vocabulary import API_VERSION
from restcomm_apps.formats.resource import (
    ONE,
    Columns,
    Property,
    Reader,
    Resource,
    Site,
    column,
    date,
    rows,
)


def _account_uri(path: str, segment: str = "Accounts") -> Reader:
    base = f"/{API_VERSION}/{segment}"
    return lambda columns, site: [f"{base}/{sid}{path}" for sid in columns["sid"]]


def _subresource(xml: str, json: str, path: str) -> tuple[Property, Property]:
    return (
        Property(xml, None, _account_uri(f"/{path}")),
        Property(None, json, _account_uri(f"/{path}.json")),
    )


SUBRESOURCE_URIS = Resource(
    "SubresourceUris",
    "",
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


def _auth_tokens(columns: Columns, site: Site) -> Sequence[object]:
    tokens = columns["auth_token"]
    shown = tokens if site.shows_tokens else [MASKED_TOKEN] * len(tokens)
    # A token that the request itself has made is shown in any case, this once.
    return [new or token for new, token in zip(columns["new_token"], shown)]


ACCOUNT = Resource(
    "Account",
    "Accounts",
    (
        Property("Sid", "sid", column("sid")),
        Property("organization", "organization", column("organization_sid")),
        Property("FriendlyName", "friendly_name", column("friendly_name")),
        Property("EmailAddress", "email_address", column("email_address")),
        # The original's two writers disagree on the order of these three.
        Property(None, "type", column("type")),
        Property("Status", "status", column("status")),
        Property("Role", "role", column("role")),
        Property("Type", None, column("type")),
        Property("DateCreated", "date_created", date("date_created")),
        Property("DateUpdated", "date_updated", date("date_updated")),
        Property("AuthToken", "auth_token", _auth_tokens),
        Property("Uri", None, column("uri")),
        Property(None, "uri", _account_uri("", "Accounts.json")),
        Property("SubresourceUris", "subresource_uris", rows, ONE, SUBRESOURCE_URIS),
    ),
)
