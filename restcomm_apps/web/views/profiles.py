"""The Profiles resource, where the Link of an account points: its URL and verb."""

from flask import Blueprint

from restcomm_apps.resources import profiles
from restcomm_apps.store.models import Account
from restcomm_apps.web.authorization import authorize
from restcomm_apps.web.replies import Reply

blueprint = Blueprint("profiles", __name__)

MEDIA_TYPE = "application/instance+json"


@blueprint.get("/Profiles/<profile>")
@authorize("Read", on="Profiles", at_first_login=True)
def read_profile(caller: Account, profile: str) -> Reply:
    """Show the document of a profile to every account, in JSON whatever the format of errors."""
    return Reply(profiles.find_document(profile), content_type=MEDIA_TYPE)
