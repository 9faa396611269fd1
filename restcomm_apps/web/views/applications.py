"""The Applications resource: its URLs and verbs."""

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState
from peewee import chunked
from werkzeug.routing import BaseConverter

from restcomm_apps.audit.representation import CHANGE
from restcomm_apps.errors import InvalidParameter
from restcomm_apps.resources.applications import bulk, forms, queries
from restcomm_apps.resources.applications.listing import ApplicationListing
from restcomm_apps.resources.applications.representation import APPLICATION, BULK
from restcomm_apps.resources.applications.row_formats import split_rows
from restcomm_apps.resources.selection import read_part, read_selection
from restcomm_apps.store.models import Account
from restcomm_apps.web.accepts import accepts
from restcomm_apps.web.authorization import authorize, require_action
from restcomm_apps.web.bodies import read_form, read_text, require_form, require_rows
from restcomm_apps.web.compression import compress
from restcomm_apps.web.etags import require_expected_state, tag_list, tag_state
from restcomm_apps.web.idempotency import answer_once
from restcomm_apps.web.pages import PIECE, render_listing, wants_csv
from restcomm_apps.web.replies import Reply, render, render_in_parts, render_nothing
from restcomm_apps.web.settings import delete_status, now, unbinds

blueprint = Blueprint("applications", __name__)


class SidConverter(BaseConverter):
    """A segment that may be an application's sid: any but the name of the bulk."""

    regex = r"(?!Bulk\Z)[^/]+"
    part_isolating = True


@blueprint.record_once
def add_converter(state: BlueprintSetupState) -> None:
    """Have the routes of this blueprint know ``<sid:…>``."""
    state.app.url_map.converters["sid"] = SidConverter


LIST = "/Accounts/<account>/Applications"
BULK_LIST = LIST + "/Bulk"
INSTANCE = LIST + "/<sid:sid>"
CHANGES = INSTANCE + "/Changes"

# What each row of a bulk needs.
_ROW_ACTIONS = {bulk.CREATE: "Create", bulk.UPDATE: "Modify", bulk.REMOVE: "Modify"}


@blueprint.get(LIST)
@authorize("Read", on="Applications")
def list_applications(account: Account) -> Reply:
    """List the account's applications, or the page of them that is asked for.

    Compressed beside the names of others, a text that the client has chosen would tell by the
    reply's length how much it resembles them.
    """
    selection = read_selection(request.args)
    reply = tag_list(_list(account, selection))
    return reply if selection.repeats_text else compress(reply)


def _list(account, selection):
    if selection.with_numbers and wants_csv():
        raise InvalidParameter("includeNumbers", "not be true for CSV, which has no numbers")
    listing = ApplicationListing(account, selection)
    return render_listing(APPLICATION, listing, selection, _path_of_list(account))


@blueprint.post(LIST)
@accepts(require_form)
@authorize("Create", on="Applications")
def create_application(account: Account) -> Reply:
    """Create an application; 200, because clients insist on it."""
    form = read_form(request)

    def answer() -> Reply:
        values = forms.values_to_create(form)
        created = queries.create_application(account, values, now())
        return tag_state(render(APPLICATION, created))

    return answer_once(form, answer)


@blueprint.post(BULK_LIST)
@accepts(require_rows)
@authorize("Create", "Modify", on="Applications")
def apply_rows(account: Account) -> Reply:
    """Create, update and remove applications as the body's rows say, all or nothing."""
    text = read_text(request)

    def answer() -> Reply:
        row_actions = bulk.read_actions(split_rows(request.mimetype, text))
        _permit(account, row_actions)
        outcome = queries.apply_actions(account, row_actions, unbinds(), now())
        if not outcome.applications:
            return render(BULK, outcome)
        # 10,000 at once would hold up others for 80 ms, twice that beside a busy MariaDB.
        lists = chunked(outcome.applications, PIECE)
        return render_in_parts(BULK, outcome._replace(applications=None), lists)

    return answer_once([request.mimetype, text], answer)


def _permit(account: Account, row_actions: list[bulk.RowAction]) -> None:
    """Raise Forbidden (403), naming the line, for the first action that the caller may not do."""
    for action in dict.fromkeys(_ROW_ACTIONS.values()):
        lines = [row.line for row in row_actions if _ROW_ACTIONS[row.action] == action]
        if lines:
            with bulk.about_line(lines[0]):
                require_action(account, action, "Applications")


@blueprint.get(INSTANCE)
@authorize("Read", on="Applications")
def read_application(account: Account, sid: str) -> Reply:
    """Show one application."""
    return tag_state(render(APPLICATION, queries.find_application(account, sid)))


@blueprint.post(INSTANCE)
@blueprint.put(INSTANCE)
@blueprint.patch(INSTANCE)
@accepts(require_form)
@authorize("Modify", on="Applications")
def update_application(account: Account, sid: str) -> Reply:
    """Change one application; a foreign or unknown one is told before a bad parameter."""
    queries.find_application(account, sid)
    values = forms.values_to_update(read_form(request))
    changed = queries.update_application(account, sid, values, now(), _check)
    return tag_state(render(APPLICATION, changed))


@blueprint.delete(INSTANCE)
@authorize("Modify", on="Applications")
def remove_application(account: Account, sid: str) -> Reply:
    """Remove one application and free what points at it."""
    queries.remove_application(account, sid, unbinds(), now(), _check)
    return render_nothing(delete_status())


@blueprint.get(CHANGES)
@authorize("Read", on="Applications")
def list_changes(account: Account, sid: str) -> Reply:
    """List the changes to an application of the account's, a removed one's too, or a page."""
    selection = read_part(request.args)
    listing = queries.list_changes(account, sid)
    return render_listing(CHANGE, listing, selection, f"{_path_of_list(account)}/{sid}/Changes")


def _check(application):
    """Refuse to write an application that is not in the state that the client expects."""
    require_expected_state(APPLICATION, application)


def _path_of_list(account):
    return f"/Accounts/{account.sid}/Applications"
