"""The Profiles resource, where the Link of an account points: its URL and verb."""

from flask import Blueprint

from restcomm_apps.resources import profiles as queries
from restcomm_apps.web import authentication as auth
from restcomm_apps.web.replies import Reply

blueprint = Blueprint("profiles", __name__)

MEDIA_TYPE = "application/instance+json"


@blueprint.get("/Profiles/<profile>")
@auth.allow_at_first_login
def read_profile(profile):
    """Show the document of a profile to every account, in JSON whatever the format of errors."""
    return Reply(queries.find_document(profile), content_type=MEDIA_TYPE)
