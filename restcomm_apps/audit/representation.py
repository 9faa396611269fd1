"""What a client sees of the trail."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from restcomm_apps.domain.dates import format_dates, local_of
from restcomm_apps.formats.resource import (
    BARE,
    MANY,
    Columns,
    Property,
    Resource,
    Site,
    column,
    number,
)


class PropertyChange(NamedTuple):
    """What a property was and became, as texts; None where it had no value."""

    column: str
    before: str | None
    after: str | None


def _wire_names(columns: Columns, site: Site) -> Sequence[object]:
    return [str(name).title().replace("_", "") for name in columns["column"]]


PROPERTY_CHANGE = Resource(
    "Property",
    "",
    (
        Property("Name", None, _wire_names),
        Property(None, "name", column("column")),
        Property("From", "from", column("before")),
        Property("To", "to", column("after")),
    ),
)


def _property_changes(columns: Columns, site: Site) -> Sequence[object]:
    return [
        [PropertyChange(name, *map(_as_text, pair)) for name, pair in json.loads(changes).items()]
        for changes in map(str, columns["properties"])
    ]


def _as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _change_dates(columns: Columns, site: Site) -> Sequence[object]:
    moments = map(str, columns["changed_at"])
    return format_dates([local_of(utc, site.zone) for utc in moments], site.zone)


CHANGE = Resource(
    "Change",
    "Changes",
    (
        Property("Sequence", "sequence", number("sequence"), BARE),
        Property("DateCreated", "date_created", _change_dates),
        Property("Action", "action", column("action")),
        Property("ApplicationSid", "application_sid", column("resource_sid")),
        Property("AccountSid", "account_sid", column("account_sid")),
        # Neither for a change on the command line; whose it was is no client's business.
        Property("EffectiveAccountSid", "effective_account_sid", column("effective_account_sid")),
        Property("Address", "address", column("address")),
        Property("RequestId", "request_id", column("request_id")),
        Property("Properties", "properties", _property_changes, MANY, PROPERTY_CHANGE),
        Property("Hash", "hash", column("hash")),
    ),
)
