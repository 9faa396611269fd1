"""The Applications resource: its URLs and verbs."""

from collections import Counter
from contextlib import suppress

from flask import Blueprint, current_app, g, request
from werkzeug.routing import BaseConverter

from restcomm_apps.audit.representation import CHANGE
from restcomm_apps.config import UNBIND
from restcomm_apps.domain.dates import local_now
from restcomm_apps.errors import Forbidden, InvalidParameter
from restcomm_apps.resources.applications import bulk, forms, queries
from restcomm_apps.resources.applications import row_formats as bulk_rows
from restcomm_apps.resources.applications.listing import ApplicationListing
from restcomm_apps.resources.applications.representation import APPLICATION, BULK, BulkOutcome
from restcomm_apps.resources.selection import read_part, read_selection
from restcomm_apps.web import authentication as auth
from restcomm_apps.web.compression import compress
from restcomm_apps.web.etags import require_expected_state, tag_list, tag_state
from restcomm_apps.web.idempotency import answer_once
from restcomm_apps.web.pages import render_listing, wants_csv
from restcomm_apps.web.replies import render, render_nothing

blueprint = Blueprint("applications", __name__)


class SidConverter(BaseConverter):
    """A segment that may be an application's sid: any but the name of the bulk."""

    regex = r"(?!Bulk\Z)[^/]+"
    part_isolating = True


@blueprint.record_once
def add_converter(state):
    """Have the routes of this blueprint know ``<sid:…>``."""
    state.app.url_map.converters["sid"] = SidConverter


LIST = "/Accounts/<account>/Applications"
BULK_LIST = LIST + "/Bulk"
INSTANCE = LIST + "/<sid:sid>"
CHANGES = INSTANCE + "/Changes"

# What each view needs, of several the one; a view that is missing here cannot be called.
ACTIONS = {
    "change_applications": "Create,Modify",
    "list_applications": "Read",
    "create_application": "Create",
    "read_application": "Read",
    "update_application": "Modify",
    "remove_application": "Modify",
    "list_changes": "Read",
}
# What each row of a bulk needs.
_ROW_ACTIONS = {bulk.CREATE: "Create", bulk.UPDATE: "Modify", bulk.REMOVE: "Modify"}


@blueprint.before_request
def operate():
    """Set ``g.operated_account``. Raises UnsupportedMediaType (415), Forbidden (403)."""
    view = request.endpoint.rpartition(".")[2]
    if request.method in ("POST", "PUT", "PATCH"):
        body = bulk_rows if view == "change_applications" else forms
        body.check_media_type(request)
    *others, last = ACTIONS[view].split(",")
    for action in others:
        with suppress(Forbidden):
            g.operated_account = _operate(action)
            return
    g.operated_account = _operate(last)


def _operate(action):
    return auth.operate(request.view_args["account"], action, "Applications")


@blueprint.get(LIST)
def list_applications(account):
    """List the account's applications, or the page of them that is asked for.

    Compressed beside the names of others, a text that the client has chosen would tell by the
    reply's length how much it resembles them.
    """
    selection = read_selection(request.args)
    reply = tag_list(_list(selection))
    return reply if selection.repeats_text else compress(reply)


def _list(selection):
    if selection.with_numbers and wants_csv():
        raise InvalidParameter("includeNumbers", "not be true for CSV, which has no numbers")
    listing = ApplicationListing(g.operated_account, selection)
    return render_listing(APPLICATION, listing, selection, _list_path())


@blueprint.post(LIST)
def create_application(account):
    """Create an application; 200, because clients insist on it."""
    form = forms.read_form(request)

    def answer():
        values = forms.values_to_create(form)
        created = queries.create_application(g.operated_account, values, _now())
        return tag_state(render(APPLICATION, created))

    return answer_once(form, answer)


@blueprint.post(BULK_LIST)
def change_applications(account):
    """Create, update and remove applications as the body's rows say, all or nothing."""
    text = bulk_rows.read_text(request)

    def answer():
        changes = bulk.read_changes(bulk_rows.split_rows(request.mimetype, text))
        _permit(changes)
        left = queries.change_applications(g.operated_account, changes, _unbinds(), _now())
        count = Counter(change.action for change in changes)
        applications = [application for application in left if application is not None]
        outcome = BulkOutcome(*(count[action] for action in bulk.ACTIONS), applications)
        return render(BULK, outcome)

    return answer_once([request.mimetype, text], answer)


def _permit(changes):
    """Raise Forbidden (403), naming the line, for the first change that the caller may not make."""
    for action in dict.fromkeys(_ROW_ACTIONS.values()):
        lines = [change.line for change in changes if _ROW_ACTIONS[change.action] == action]
        if lines:
            with bulk.about_line(lines[0]):
                _operate(action)


@blueprint.get(INSTANCE)
def read_application(account, sid):
    """Show one application."""
    return tag_state(render(APPLICATION, queries.find_application(g.operated_account, sid)))


@blueprint.post(INSTANCE)
@blueprint.put(INSTANCE)
@blueprint.patch(INSTANCE)
def update_application(account, sid):
    """Change one application; a foreign or unknown one is told before a bad parameter."""
    queries.find_application(g.operated_account, sid)
    values = forms.values_to_update(forms.read_form(request))
    changed = queries.update_application(g.operated_account, sid, values, _now(), _check)
    return tag_state(render(APPLICATION, changed))


@blueprint.delete(INSTANCE)
def remove_application(account, sid):
    """Remove one application and free what points at it."""
    queries.remove_application(g.operated_account, sid, _unbinds(), _now(), _check)
    return render_nothing(current_app.config["DELETE_STATUS"])


@blueprint.get(CHANGES)
def list_changes(account, sid):
    """List the changes to an application of the account's, a removed one's too, or a page."""
    selection = read_part(request.args)
    listing = queries.list_changes(g.operated_account, sid)
    return render_listing(CHANGE, listing, selection, f"{_list_path()}/{sid}/Changes")


def _check(application):
    """Refuse to write an application that is not in the state that the client expects."""
    require_expected_state(APPLICATION, application)


def _list_path():
    return f"/Accounts/{g.operated_account.sid}/Applications"


def _unbinds():
    return current_app.config["ON_REMOVE"] == UNBIND


def _now():
    return local_now(current_app.config["TIMEZONE"])
