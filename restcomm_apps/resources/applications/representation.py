"""What a client sees of applications, of their numbers and of what a bulk has done."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from restcomm_apps.domain.vocabulary import API_VERSION
from restcomm_apps.formats.resource import (
    BARE,
    MANY,
    Columns,
    Property,
    Resource,
    Site,
    column,
    date,
    flag,
    number,
)

NUMBER = Resource(
    "Number",
    "",
    (
        Property("Sid", "sid", column("sid")),
        Property("FriendlyName", "friendly_name", column("friendly_name")),
        Property("PhoneNumber", "phone_number", column("phone_number")),
        Property("VoiceApplicationSid", "voice_application_sid", column("voice_application_sid")),
        Property("SmsApplicationSid", "sms_application_sid", column("sms_application_sid")),
        Property("UssdApplicationSid", "ussd_application_sid", column("ussd_application_sid")),
        Property(None, "refer_application_sid", column("refer_application_sid")),
    ),
)


def _uris(suffix: str, columns: Columns, site: Site) -> Sequence[object]:
    # Not the stored ones: a database may hold them with or without Restcomm's root.
    base = f"{site.root_path}/{API_VERSION}/Accounts"
    sids = zip(columns["account_sid"], columns["sid"])
    return [f"{base}/{account}/Applications/{sid}{suffix}" for account, sid in sids]


APPLICATION = Resource(
    "Application",
    "Applications",
    (
        Property("Sid", "sid", column("sid")),
        Property("DateCreated", "date_created", date("date_created")),
        Property("DateUpdated", "date_updated", date("date_updated")),
        Property("FriendlyName", "friendly_name", column("friendly_name")),
        Property("AccountSid", "account_sid", column("account_sid")),
        Property("ApiVersion", "api_version", column("api_version")),
        Property(
            "VoiceCallerIdLookup", "voice_caller_id_lookup", flag("voice_caller_id_lookup"), BARE
        ),
        Property("Uri", None, partial(_uris, "")),
        Property(None, "uri", partial(_uris, ".json")),
        Property("RcmlUrl", "rcml_url", column("rcml_url")),
        Property("Kind", "kind", column("kind")),
        Property("Numbers", "numbers", column("numbers"), MANY, NUMBER),
    ),
)


class BulkOutcome(NamedTuple):
    """What a bulk has done: how many of each, and the applications that it created or updated.

    They are None where they are written apart.
    """

    created: int
    updated: int
    removed: int
    applications: Sequence[object] | None


BULK = Resource(
    "Bulk",
    "",
    (
        Property("Created", "created", number("created"), BARE),
        Property("Updated", "updated", number("updated"), BARE),
        Property("Removed", "removed", number("removed"), BARE),
        Property("Applications", "applications", column("applications"), MANY, APPLICATION),
    ),
)
