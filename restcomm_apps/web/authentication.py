"""Who calls (the effective account), on whose behalf (the operated account), and what they may.

Credentials are checked before anything else of a request, permissions and tenancy before a view
runs. Nothing here knows a URL.
"""

import base64
import re

from flask import current_app, g, request
from flask_httpauth import HTTPBasicAuth
from werkzeug.datastructures import Authorization

from restcomm_apps.config import LINEAGE
from restcomm_apps.domain import tokens
from restcomm_apps.domain.roles import ADMINISTRATOR, covers, rights_of
from restcomm_apps.domain.vocabulary import ACTIVE, CLOSED, UNINITIALIZED
from restcomm_apps.errors import REALM, AccountNotActive, Forbidden, NotAuthenticated
from restcomm_apps.resources.accounts.queries import find_account, find_caller, is_ancestor

from .origins import is_of_another_site

_NOBODYS_TOKEN = tokens.new_token()

_LONGEST_LOGGED_NAME = 100


class RestcommBasicAuth(HTTPBasicAuth):
    """HTTP Basic, read as the original reads it.

    "Basic" in this case and one space; of several tokens or headers the first counts. What is no
    base64 is skipped, its padding may be missing; blanks after the name do not count. Source:
    legacy/exchanges.json, group auth.
    """

    _FIRST_TOKEN = re.compile(r"Basic ([^\s,]+)")

    def get_auth(self):
        """Return the request's credentials, or None where they cannot be read."""
        token = self._FIRST_TOKEN.match(request.headers.get("Authorization", ""))
        if token is None:
            return None
        try:
            # More padding than is missing is skipped.
            name, _, password = base64.b64decode(token[1] + "==").partition(b":")
        except ValueError:
            return None
        name = name.rstrip(b" ")
        return Authorization("basic", {"username": _decode(name), "password": _decode(password)})


def _decode(octets):
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")


basic_auth = RestcommBasicAuth(realm=REALM)


@basic_auth.verify_password
def verify_credentials(name, password):
    """Return the account of these credentials, or None.

    ``name`` is a sid or an e-mail address, ``password`` the auth token, the second token if there
    is one, or the password whose md5 is the token. What is wrong takes the same comparisons for an
    unknown name as for a known one.
    """
    account = find_caller(name) if name and password else None
    first = account.auth_token if account else _NOBODYS_TOKEN
    second = (account.second_token if account else None) or _NOBODYS_TOKEN
    matches = (
        tokens.is_same(first, password)
        or tokens.is_same(second, password)
        or tokens.is_same(first, tokens.token_of(password))
    )
    return account if matches else None


def authenticate():
    """Set ``g.effective_account``.

    Raises NotAuthenticated (401), AccountNotActive (403), TooManyFailures (429).
    """
    credentials = basic_auth.get_auth()
    if credentials is None:
        # Many clients ask so first: nothing has failed.
        raise NotAuthenticated(reason="no credentials")
    login_limits = current_app.extensions["login_limits"]
    # No server names the peer of a socket file.
    address = request.remote_addr or ""
    attempt = (credentials.username, address, is_of_another_site(request))
    login_limits.check(*attempt)
    account = basic_auth.authenticate(credentials, None)
    # Again, as others have failed while the database was asked, and a right guess counts no more.
    login_limits.check(*attempt)
    if account is None:
        login_limits.count_failure(*attempt)
        raise NotAuthenticated(reason="wrong credentials")
    if account.status != ACTIVE and not _is_first_login(account):
        raise AccountNotActive()
    g.effective_account = account


def allow_at_first_login(view):
    """Let an uninitialized account call a view, of accounts on itself; a decorator."""
    view.is_allowed_at_first_login = True
    return view


def _is_first_login(account):
    """Tell whether the request is what an uninitialized account may do."""
    view = current_app.view_functions.get(request.endpoint)
    return (
        account.status == UNINITIALIZED
        and hasattr(view, "is_allowed_at_first_login")
        and account.goes_by(request.view_args.get("account", account.sid))
    )


def claimed_name():
    """Return the name in the request's credentials, right or wrong, fit for a log; "-" for none.

    What has the form of a token is not told: clients mix the two up.
    """
    credentials = basic_auth.get_auth()
    if credentials is None:
        return "-"
    return ascii(tokens.hide(credentials.username)[:_LONGEST_LOGGED_NAME])


def operate(name, action, resource):
    """Return the operated account, named in the URL by its sid or e-mail address.

    ``action`` is Read, Create or Modify, ``resource`` Applications or Accounts. Raises Forbidden
    (403) alike for a missing permission, a foreign account and one that does not exist.
    """
    effective = g.effective_account
    own = effective.goes_by(name)
    if not covers(_rights_of(effective.role, own), (action, resource)):
        raise Forbidden()
    if own:
        return effective
    if reaches_below(action, resource):
        account = find_account(name)
        if account is not None and is_ancestor(effective, account):
            return account
    raise Forbidden()


def reaches_below(action: str, resource: str) -> bool:
    """Return whether the caller may do something on all its descendants; see ``operate``.

    Their accounts are an administrator's business whatever the setting ACCESS says, and nobody
    else's to change.
    """
    role = g.effective_account.role
    if not covers(_rights_of(role, own=False), (action, resource)):
        return False
    if resource == "Accounts" and role == ADMINISTRATOR:
        return True
    if resource == "Accounts" and action != "Read":
        return False
    return current_app.config["ACCESS"] == LINEAGE


def require_role_within_rights(role):
    """Raise Forbidden (403) where a role may do something that the caller may not."""
    rights = _rights_of(g.effective_account.role, own=True)
    if not all(covers(rights, right) for right in _rights_of(role, own=True)):
        raise Forbidden()


def require_change(operated, values):
    """Raise Forbidden (403) unless the caller may set these columns of the operated account.

    Nobody gains rights, and of oneself the only other status is closed. An uninitialized account
    may set its password and nothing else: AccountNotActive (403).
    """
    effective = g.effective_account
    if effective.status == UNINITIALIZED and values.keys() != {"auth_token"}:
        raise AccountNotActive()
    if "role" in values:
        require_role_within_rights(values["role"])
    is_own = operated.sid == effective.sid
    if is_own and values.get("status", effective.status) not in (effective.status, CLOSED):
        raise Forbidden()


def _rights_of(role, own):
    return rights_of(role, current_app.config["ROLES"], own)
