"""Every query on profiles: which one an account has, and its document.

A Restcomm of 2018 and later keeps them in two tables, an older one and this service in none.
"""

import json

from restcomm_apps.domain.sids import is_sid
from restcomm_apps.errors import NotFound
from restcomm_apps.store.database import database, is_mysql
from restcomm_apps.store.expressions import exactly
from restcomm_apps.store.models import Account, Profile, ProfileAssociation
from restcomm_apps.store.prepared import read_rows
from restcomm_apps.store.schema import has_profiles

from .accounts.queries import list_ancestor_sids

# The profile that every Restcomm gives an account without one of its own.
DEFAULT_SID = "PRae6e420f425248d6a26948c17a9e2acf"
# What Restcomm's AdminUI reads: sub-accounts without a limit, numbers of the United States.
_OWN_DOCUMENT = """\
{
  "featureEnablement": {
    "subaccountsCreation": {},
    "DIDPurchase": {
      "allowedCountries": [
        "US"
      ]
    }
  }
}"""


def find_profile_sid(account: Account) -> str:
    """Find the profile of an account: its own, else its next ancestor's, else its organization's.

    The default profile where none of them has one that is there. Source: Restcomm's documentation,
    "Profiles"; it names the parent where the original goes up all ancestors.
    """
    if not has_profiles():
        return DEFAULT_SID
    targets = [account.sid, *list_ancestor_sids(account)]
    if organization_sid := getattr(account, "organization_sid", None):
        targets.append(organization_sid)
    profiles = _find_associated(targets)
    return next((profiles[target] for target in targets if target in profiles), DEFAULT_SID)


def _find_associated(targets: list[str]) -> dict[str, str]:
    """Return {sid of an account or organization: sid of its profile}, of profiles that exist."""
    is_there = Profile.sid == ProfileAssociation.profile_sid
    pairs = (
        ProfileAssociation.select(ProfileAssociation.target_sid, Profile.sid)
        .join(Profile, on=is_there)
        .where(ProfileAssociation.target_sid << targets)
    )
    return {row.target_sid: row.sid for row in read_rows(pairs) if is_sid(row.sid)}


def find_document(profile_sid: str) -> str:
    """Find the document of a profile, a JSON object as it is stored.

    This service's own one stands in for what is no such object, and for the default profile where
    it is not there. Raises NotFound (404).
    """
    stored = None
    if has_profiles() and is_sid(profile_sid):
        # Without a type, so that SQLite gives what is no UTF-8 too.
        document = Profile.document if is_mysql() else Profile.document.cast("BLOB")
        query = Profile.select(document).where(exactly(Profile.sid, profile_sid))
        stored = database.execute(query).fetchone()
    if stored is None and profile_sid != DEFAULT_SID:
        raise NotFound()
    return (stored and _read(stored[0])) or _OWN_DOCUMENT


def _read(document: str | bytes | None) -> str | None:
    """Return the text of a stored document, or None where it is no JSON object."""
    try:
        text = document if isinstance(document, str) else bytes(document or b"").decode()
        return text if isinstance(json.loads(text, parse_constant=_refuse), dict) else None
    except (TypeError, ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not in JSON")
