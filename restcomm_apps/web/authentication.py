"""Who calls: the effective account, by its credentials, which are checked before all else."""

import base64
import re
from typing import NamedTuple

from flask import Request, request
from flask_httpauth import HTTPBasicAuth

from restcomm_apps.domain import tokens
from restcomm_apps.errors import REALM, NotAuthenticated
from restcomm_apps.resources.accounts.queries import find_caller
from restcomm_apps.store.models import Account

from .login_limits import LoginLimits
from .origins import is_of_another_site

_NOBODYS_TOKEN = tokens.new_token()

_LONGEST_LOGGED_NAME = 100


class Credentials(NamedTuple):
    """What a client sends as a name and a password."""

    username: str
    password: str


class RestcommBasicAuth(HTTPBasicAuth):
    """HTTP Basic, read as the original reads it.

    "Basic" in this case and one space; of several tokens or headers the first counts. What is no
    base64 is skipped, its padding may be missing; blanks after the name do not count. Source:
    legacy/exchanges.json, group auth.
    """

    _FIRST_TOKEN = re.compile(r"Basic ([^\s,]+)")

    def get_auth(self) -> Credentials | None:
        """Return the request's credentials, or None where they cannot be read."""
        token = self._FIRST_TOKEN.match(request.environ.get("HTTP_AUTHORIZATION", ""))
        if token is None:
            return None
        try:
            # More padding than is missing is skipped.
            name, _, password = base64.b64decode(token[1] + "==").partition(b":")
        except ValueError:
            return None
        name = name.rstrip(b" ")
        return Credentials(_decode(name), _decode(password))


def _decode(octets):
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")


basic_auth = RestcommBasicAuth(realm=REALM)


@basic_auth.verify_password
def verify_credentials(name: str, password: str) -> Account | None:
    """Return the account of these credentials, or None.

    ``name`` is a sid or an e-mail address, ``password`` the auth token, the second token if there
    is one, or the password whose md5 is the token. Failures run the same comparisons whether or not
    the account exists.
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


def authenticate(request: Request, login_limits: LoginLimits) -> Account:
    """Return the account of a request's credentials, active or not.

    Raises NotAuthenticated (401), TooManyFailures (429).
    """
    credentials = basic_auth.get_auth()
    if credentials is None:
        # Many clients ask so first: nothing has failed.
        raise NotAuthenticated(reason="no credentials")
    # No server names the peer of a socket file.
    address = request.remote_addr or ""
    attempt = (credentials.username, address, is_of_another_site(request))
    login_limits.check(*attempt)
    account = basic_auth.verify_password_callback(*credentials)
    # Again, as others have failed while the database was read, and a right guess counts no more.
    login_limits.check(*attempt)
    if account is None:
        login_limits.count_failure(*attempt)
        raise NotAuthenticated(reason="wrong credentials")
    return account


def claimed_name() -> str:
    """Return the name in the request's credentials, right or wrong, fit for a log; "-" for none.

    What has the form of a token is hidden: clients mix the two up.
    """
    credentials = basic_auth.get_auth()
    if credentials is None:
        return "-"
    return ascii(tokens.hide(credentials.username)[:_LONGEST_LOGGED_NAME])
