"""The Applications resource: its URLs and verbs."""

from flask import Blueprint, current_app, g, request

from . import application_queries as queries
from . import auth, forms
from .config import UNBIND
from .dates import local_now
from .properties import APPLICATION, CHANGE
from .render import render, render_list, render_nothing

blueprint = Blueprint("applications", __name__)

LIST = "/Accounts/<account>/Applications"
INSTANCE = LIST + "/<sid>"
CHANGES = INSTANCE + "/Changes"

# What each view needs; a view that is missing here cannot be called.
ACTIONS = {
    "list_applications": "Read",
    "create_application": "Create",
    "read_application": "Read",
    "update_application": "Modify",
    "remove_application": "Modify",
    "list_changes": "Read",
}


@blueprint.before_request
def operate():
    """Set ``g.operated_account``. Raises UnsupportedMediaType (415), Forbidden (403)."""
    if request.method in ("POST", "PUT"):
        forms.check_media_type(request)
    action = ACTIONS[request.endpoint.rpartition(".")[2]]
    g.operated_account = auth.operate(request.view_args["account"], action, "Applications")


@blueprint.get(LIST)
def list_applications(account):
    """List the account's applications, each with its numbers if ``includeNumbers=true``."""
    if request.args.get("includeNumbers", "").lower() == "true":
        return render_list(APPLICATION, queries.list_applications_with_numbers(g.operated_account))
    return render_list(APPLICATION, queries.list_applications(g.operated_account))


@blueprint.post(LIST)
def create_application(account):
    """Create an application; 200, because clients insist on it."""
    values = forms.values_to_create(forms.read_form(request))
    return render(APPLICATION, queries.create_application(g.operated_account, values, _now()))


@blueprint.get(INSTANCE)
def read_application(account, sid):
    """Show one application."""
    return render(APPLICATION, queries.find_application(g.operated_account, sid))


@blueprint.post(INSTANCE)
@blueprint.put(INSTANCE)
def update_application(account, sid):
    """Change one application; a foreign or unknown one is told before a bad parameter."""
    queries.find_application(g.operated_account, sid)
    values = forms.values_to_update(forms.read_form(request))
    changed = queries.update_application(g.operated_account, sid, values, _now())
    return render(APPLICATION, changed)


@blueprint.delete(INSTANCE)
def remove_application(account, sid):
    """Remove one application and free what points at it."""
    unbind = current_app.config["ON_REMOVE"] == UNBIND
    queries.remove_application(g.operated_account, sid, unbind, _now())
    return render_nothing(current_app.config["DELETE_STATUS"])


@blueprint.get(CHANGES)
def list_changes(account, sid):
    """List the changes to an application of the account's, a removed one's too."""
    return render_list(CHANGE, queries.list_changes(g.operated_account, sid))


def _now():
    return local_now(current_app.config["TIMEZONE"])
