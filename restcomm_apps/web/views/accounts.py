"""The Accounts resource: its URLs and verbs; and Logout."""

from functools import partial

from flask import Blueprint, current_app, g, request, url_for

from restcomm_apps.config import UNBIND
from restcomm_apps.domain.dates import local_now
from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.resources import profiles as profile_queries
from restcomm_apps.resources.accounts import forms as account_forms
from restcomm_apps.resources.accounts import queries
from restcomm_apps.resources.accounts import token_rotation as token_changes
from restcomm_apps.resources.accounts import updating as account_changes
from restcomm_apps.resources.accounts.representation import ACCOUNT
from restcomm_apps.resources.applications import forms
from restcomm_apps.resources.listings import Listing, SidListing
from restcomm_apps.resources.selection import read_part
from restcomm_apps.store.models import Account
from restcomm_apps.web import authentication as auth
from restcomm_apps.web.pages import render_listing
from restcomm_apps.web.replies import render, render_nothing, render_text

blueprint = Blueprint("accounts", __name__)

# The parameters that narrow the list.
_FILTERS = ("OrganizationSid", "DomainName")

INSTANCE = "/Accounts/<account>"


@blueprint.before_request
def check_media_type():
    """Raise UnsupportedMediaType (415), before anything is said of accounts."""
    if request.method in ("POST", "PUT"):
        forms.check_media_type(request)


@blueprint.get("/Accounts")
def list_accounts():
    """List the caller's direct sub-accounts; filtered, itself and all below it that match.

    No account is listed that reading it singly would refuse.
    """
    caller = auth.operate(g.effective_account.sid, "Read", "Accounts")
    selection = read_part(request.args, _FILTERS, "an account")
    return render_listing(ACCOUNT, _listing_for(caller), selection, "/Accounts")


def _listing_for(caller):
    reads_below = auth.reaches_below("Read", "Accounts")
    filters = [request.args.get(name) for name in _FILTERS]
    if filters == [None, None] and reads_below:
        return Listing(partial(queries.select_children, caller), (Account.sid,))
    if filters == [None, None]:
        return SidListing(Account, [])
    readable = queries.list_tree(caller) if reads_below else [caller.sid]
    return SidListing(Account, queries.narrow(readable, *filters))


@blueprint.post("/Accounts")
def create_account():
    """Create a sub-account of the caller, with the caller's role unless another is sent."""
    creator = auth.operate(g.effective_account.sid, "Create", "Accounts")
    values = account_forms.values_to_create(forms.read_form(request), current_app.config["ROLES"])
    values.setdefault("role", creator.role)
    auth.require_role_within_rights(values["role"])
    return render(ACCOUNT, queries.add_account(parent=creator, now=_now(), **values))


@blueprint.get(INSTANCE)
@auth.allow_at_first_login
def read_account(account):
    """Show one account, named by its sid or e-mail address."""
    operated = auth.operate(account, "Read", "Accounts")
    reply = render(ACCOUNT, operated)
    reply.headers["Link"] = _profile_link(operated)
    return reply


def _profile_link(account):
    """Make the header that names the account's profile, at the host and scheme of the request."""
    sid = profile_queries.find_profile_sid(account)
    url = url_for("profiles.read_profile", profile=sid, _external=True)
    return f'<{url}>;rel=related;title="Profiles"'


@blueprint.post(INSTANCE)
@blueprint.put(INSTANCE)
@auth.allow_at_first_login
def update_account(account):
    """Change one account, or its tokens; a new token is shown in this reply only."""
    operated = auth.operate(account, "Modify", "Accounts")
    form = forms.read_form(request)
    values = account_forms.values_to_update(form, current_app.config["ROLES"])
    auth.require_change(operated, values)
    token_change = account_forms.read_token_change(form)
    if token_change is None:
        return render(ACCOUNT, _update(operated, values))
    return render(ACCOUNT, token_changes.CHANGES[token_change](operated, _now()))


@blueprint.delete(INSTANCE)
def close_account(account):
    """Close one account and all below it."""
    _update(auth.operate(account, "Modify", "Accounts"), {"status": CLOSED})
    return render_nothing(current_app.config["DELETE_STATUS"])


def _update(operated, values):
    unbind = current_app.config["ON_REMOVE"] == UNBIND
    return account_changes.update_account(operated, values, unbind, _now())


def _now():
    return local_now(current_app.config["TIMEZONE"])


@blueprint.get("/Logout")
def logout():
    """Answer ``OK``; asks for no credentials, there is no session to end."""
    return render_text("OK")
