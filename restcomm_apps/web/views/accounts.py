"""The Accounts resource: its URLs and verbs; and Logout."""

from functools import partial
from urllib.parse import quote

from flask import Blueprint, current_app, request

from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.resources import profiles
from restcomm_apps.resources.accounts import forms, queries, token_rotation, updating
from restcomm_apps.resources.accounts.representation import ACCOUNT
from restcomm_apps.resources.listings import Listing, SidListing
from restcomm_apps.resources.selection import read_part
from restcomm_apps.store.models import Account
from restcomm_apps.web.accepts import accepts
from restcomm_apps.web.authorization import (
    authorize,
    reaches_below,
    require_change,
    require_role_within_rights,
)
from restcomm_apps.web.bodies import read_form, require_form
from restcomm_apps.web.origins import is_host
from restcomm_apps.web.pages import render_listing
from restcomm_apps.web.replies import Reply, render, render_nothing, render_text
from restcomm_apps.web.settings import delete_status, now, unbinds

blueprint = Blueprint("accounts", __name__)

# The parameters that narrow the list.
_FILTERS = ("OrganizationSid", "DomainName")

INSTANCE = "/Accounts/<account>"


@blueprint.get("/Accounts")
@authorize("Read", on="Accounts")
def list_accounts(caller: Account) -> Reply:
    """List the caller's direct sub-accounts; filtered, itself and all below it that match.

    No account is listed that reading it singly would refuse.
    """
    selection = read_part(request.args, _FILTERS, "an account")
    return render_listing(ACCOUNT, _listing_for(caller), selection, "/Accounts")


def _listing_for(caller):
    reads_below = reaches_below(caller, "Read", "Accounts")
    filters = [request.args.get(name) for name in _FILTERS]
    if filters == [None, None] and reads_below:
        return Listing(partial(queries.select_children, caller), (Account.sid,))
    if filters == [None, None]:
        return SidListing(Account, [])
    readable = queries.list_tree(caller) if reads_below else [caller.sid]
    return SidListing(Account, queries.narrow(readable, *filters))


@blueprint.post("/Accounts")
@accepts(require_form)
@authorize("Create", on="Accounts")
def create_account(creator: Account) -> Reply:
    """Create a sub-account of the caller, with the caller's role unless another is sent."""
    values = forms.values_to_create(read_form(request), current_app.config["ROLES"])
    values.setdefault("role", creator.role)
    require_role_within_rights(values["role"])
    return render(ACCOUNT, queries.add_account(parent=creator, now=now(), **values))


@blueprint.get(INSTANCE)
@authorize("Read", on="Accounts", at_first_login=True)
def read_account(account: Account) -> Reply:
    """Show one account, named by its sid or e-mail address."""
    reply = render(ACCOUNT, account)
    if is_host(request.host):
        reply.headers["Link"] = _profile_link(account)
    return reply


def _profile_link(account):
    """Make the header that names the account's profile, at the host and scheme of the request."""
    sid = profiles.find_profile_sid(account)
    # As the client has sent it: Werkzeug's own URLs are IRIs, whose hosts no header can hold.
    own = f"{request.scheme}://{request.host}{quote(request.root_path)}"
    url = f"{own}{current_app.config['BASE_PATH']}/Profiles/{sid}"
    return f'<{url}>;rel=related;title="Profiles"'


@blueprint.post(INSTANCE)
@blueprint.put(INSTANCE)
@accepts(require_form)
@authorize("Modify", on="Accounts", at_first_login=True)
def update_account(account: Account) -> Reply:
    """Change one account, or its tokens; a new token is shown in this reply only."""
    form = read_form(request)
    values = forms.values_to_update(form, current_app.config["ROLES"])
    require_change(account, values)
    step = forms.read_token_step(form)
    if step is None:
        return render(ACCOUNT, _update(account, values))
    return render(ACCOUNT, token_rotation.STEPS[step](account, now()))


@blueprint.delete(INSTANCE)
@authorize("Modify", on="Accounts")
def close_account(account: Account) -> Reply:
    """Close one account and all below it."""
    _update(account, {"status": CLOSED})
    return render_nothing(delete_status())


def _update(account, values):
    return updating.update_account(account, values, unbinds(), now())


@blueprint.get("/Logout")
def logout() -> Reply:
    """Answer ``OK``; asks for no credentials, there is no session to end."""
    return render_text("OK")
