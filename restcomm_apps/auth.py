"""Who calls (the effective account), on whose behalf (the operated account), and what they may.

Credentials are checked before anything else of a request, permissions and tenancy before a view
runs. Nothing here knows a URL.
"""

import base64
import hashlib
import hmac
import re
import secrets

from flask import current_app, g, request
from flask_httpauth import HTTPBasicAuth
from werkzeug.datastructures import Authorization

from .account_queries import find_account, is_ancestor
from .config import LINEAGE
from .errors import REALM, AccountNotActive, Forbidden, NotAuthenticated
from .models import ACTIVE

# What a role may do on its own account, beyond what it is granted everywhere.
_ON_OWN_ACCOUNT = {"Developer": frozenset({("*", "Accounts")})}
_NOTHING = frozenset()
_NOBODYS_TOKEN = secrets.token_hex(16)

_TOKEN = re.compile(r"[0-9a-fA-F]{32}")
_LONGEST_LOGGED_NAME = 100


class RestcommBasicAuth(HTTPBasicAuth):
    """HTTP Basic, read as the original reads it.

    "Basic" in this case and one space; of several tokens or headers the first counts. Source:
    legacy/exchanges.json, group auth.
    """

    _FIRST_TOKEN = re.compile(r"Basic ([^\s,]+)")

    def get_auth(self):
        """Return the request's credentials, or None where they cannot be read."""
        token = self._FIRST_TOKEN.match(request.headers.get("Authorization", ""))
        if token is None:
            return None
        try:
            name, _, password = base64.b64decode(token[1]).partition(b":")
        except ValueError:
            return None
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

    ``name`` is a sid or an e-mail address, ``password`` the auth token or the password whose md5
    is the token. An unknown name takes the same comparisons as a known one.
    """
    account = find_account(name) if name and password else None
    token = (account.auth_token if account else _NOBODYS_TOKEN).encode()
    is_token = hmac.compare_digest(token, password.encode())
    is_password = hmac.compare_digest(token, token_of(password).encode())
    return account if is_token or is_password else None


def authenticate():
    """Set ``g.effective_account``.

    Raises NotAuthenticated (401), AccountNotActive (403), TooManyFailures (429).
    """
    credentials = basic_auth.get_auth()
    if credentials is None:
        # Many clients ask so first: nothing has failed.
        raise NotAuthenticated(reason="no credentials")
    login_limits = current_app.extensions["login_limits"]
    login_limits.check(credentials.username, request.remote_addr)
    account = basic_auth.authenticate(credentials, None)
    if account is None:
        login_limits.count_failure(credentials.username, request.remote_addr)
        raise NotAuthenticated(reason="wrong credentials")
    if account.status != ACTIVE:
        raise AccountNotActive()
    g.effective_account = account


def claimed_name():
    """Return the name in the request's credentials, right or wrong, fit for a log; "-" for none.

    A name that has the form of a token is not told: clients mix the two up.
    """
    credentials = basic_auth.get_auth()
    if credentials is None:
        return "-"
    if _TOKEN.fullmatch(credentials.username):
        return "(a token)"
    return ascii(credentials.username[:_LONGEST_LOGGED_NAME])


def operate(name, action, resource):
    """Return the operated account, named in the URL by its sid or e-mail address.

    ``action`` is Read, Create or Modify, ``resource`` Applications or Accounts. Raises Forbidden
    (403) alike for a missing permission, a foreign account and one that does not exist.
    """
    effective = g.effective_account
    own = effective.goes_by(name)
    if not _is_granted(effective.role, action, resource, own):
        raise Forbidden()
    if own:
        return effective
    if current_app.config["ACCESS"] == LINEAGE:
        account = find_account(name)
        if account is not None and is_ancestor(effective, account):
            return account
    raise Forbidden()


def require_super_administrator():
    """Raise Forbidden (403) unless the caller is a top account that acts on all others."""
    effective = g.effective_account
    top = effective.parent_sid is None and effective.role == "Administrator"
    if not top or current_app.config["ACCESS"] != LINEAGE:
        raise Forbidden()


def _is_granted(role, action, resource, own):
    granted = current_app.config["ROLES"].get(role, _NOTHING)
    if own:
        granted |= _ON_OWN_ACCOUNT.get(role, _NOTHING)
    return any(a in (action, "*") and r in (resource, "*") for a, r in granted)


def token_of(password):
    """Derive the auth token that a password stands for. Source: legacy/SCHEMA.md, md5 hex."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
