"""The Accounts resource, as far as clients read it to log in, and Logout."""

from flask import Blueprint, g, request, url_for

from . import account_queries as queries
from . import auth
from .properties import ACCOUNT
from .render import render, render_list, render_text

blueprint = Blueprint("accounts", __name__)

# The profile that every Restcomm gives an account without one of its own.
_DEFAULT_PROFILE = "PRae6e420f425248d6a26948c17a9e2acf"


@blueprint.get("/Accounts")
def list_accounts():
    """List the caller's direct sub-accounts; filtered, a top account lists an organization's."""
    caller = auth.operate(g.effective_account.sid, "Read", "Accounts")
    organization_sid = request.args.get("OrganizationSid")
    domain_name = request.args.get("DomainName")
    if organization_sid is None and domain_name is None:
        return render_list(ACCOUNT, queries.list_children(caller))
    auth.require_super_administrator()
    listed = queries.list_accounts_of_organization(organization_sid, domain_name)
    return render_list(ACCOUNT, listed)


@blueprint.get("/Accounts/<account>")
def read_account(account):
    """Show one account, named by its sid or e-mail address."""
    reply = render(ACCOUNT, auth.operate(account, "Read", "Accounts"))
    base = url_for(".list_accounts", _external=True).removesuffix("Accounts")
    reply.headers["Link"] = f'<{base}Profiles/{_DEFAULT_PROFILE}>;rel=related;title="Profiles"'
    return reply


@blueprint.get("/Logout")
def logout():
    """Answer ``OK``; asks for no credentials, there is no session to end."""
    return render_text("OK")
