"""Who may do what on whose behalf: the effective account calls, the operated account is acted on.

Permissions and tenancy are checked before a view runs. Nothing here knows a URL.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from flask import Request, current_app, g

from restcomm_apps.config import LINEAGE
from restcomm_apps.domain.roles import ADMINISTRATOR, covers, rights_of
from restcomm_apps.domain.vocabulary import ACTIVE, CLOSED, UNINITIALIZED
from restcomm_apps.errors import AccountNotActive, Forbidden
from restcomm_apps.resources.accounts.queries import find_account, is_ancestor
from restcomm_apps.store.models import Account

from .replies import Reply

View = Callable[..., Reply]

# What every account may do, whatever its role.
_EVERYBODYS = ("Read", "Profiles")


class Permission(NamedTuple):
    """What a view needs: one of these actions on a resource; see ``authorize``."""

    actions: tuple[str, ...]
    resource: str
    at_first_login: bool


def authorize(*actions: str, on: str, at_first_login: bool = False) -> Callable[[View], View]:
    """Call a view with the operated account, which the URL's ``account`` names; a decorator.

    That is the caller where the URL names none. The view is called if one of ``actions`` (Read,
    Create, Modify) on the resource ``on`` is permitted; else Forbidden (403), alike for a missing
    permission, a foreign account and one that does not exist. ``at_first_login`` lets an
    uninitialized account call it, on itself.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def authorized(account: str | None = None, **arguments: Any) -> Reply:
            caller = g.effective_account
            for action in actions:
                operated = _find_operated(caller, account, action, on)
                if operated is not None:
                    return view(operated, **arguments)
            raise Forbidden()

        vars(authorized)["permission"] = Permission(actions, on, at_first_login)
        return authorized

    return decorate


def require_active(account: Account, request: Request, view: object) -> None:
    """Raise AccountNotActive (403) unless the account is active, or may call the view as it is."""
    if account.status == ACTIVE:
        return
    permission = getattr(view, "permission", None)
    is_first_login = account.status == UNINITIALIZED and permission and permission.at_first_login
    name = (request.view_args or {}).get("account", account.sid)
    if not is_first_login or not _names(name, account):
        raise AccountNotActive()


def _names(text: str, account: Account) -> bool:
    """Return whether a segment of a URL is an account's sid or e-mail address."""
    return text in (account.sid, account.email_address)


def _find_operated(caller, name, action, resource):
    """Find the account of a sid or an e-mail address on which the caller may do something."""
    if name is None or _names(name, caller):
        return caller if _may_on_own(caller, action, resource) else None
    if not reaches_below(caller, action, resource):
        return None
    account = find_account(name)
    return account if account is not None and is_ancestor(caller, account) else None


def _may_on_own(caller, action, resource):
    is_everybodys = (action, resource) == _EVERYBODYS
    return is_everybodys or covers(_rights_of(caller.role, own=True), (action, resource))


def reaches_below(caller: Account, action: str, resource: str) -> bool:
    """Return whether the caller may do something on all its descendants.

    Their accounts are an administrator's business whatever the setting ACCESS says, and nobody
    else's to change.
    """
    if not covers(_rights_of(caller.role, own=False), (action, resource)):
        return False
    if resource == "Accounts" and caller.role == ADMINISTRATOR:
        return True
    if resource == "Accounts" and action != "Read":
        return False
    return current_app.config["ACCESS"] == LINEAGE


def require_action(operated: Account, action: str, resource: str) -> None:
    """Raise Forbidden (403) where the caller may do another thing on the operated account only."""
    caller = g.effective_account
    may = _may_on_own if operated.sid == caller.sid else reaches_below
    if not may(caller, action, resource):
        raise Forbidden()


def require_role_within_rights(role: str) -> None:
    """Raise Forbidden (403) where a role may do something that the caller may not."""
    rights = _rights_of(g.effective_account.role, own=True)
    if not all(covers(rights, right) for right in _rights_of(role, own=True)):
        raise Forbidden()


def require_change(operated: Account, values: dict[str, Any]) -> None:
    """Raise Forbidden (403) unless the caller may set these columns of the operated account.

    Nobody gains rights, and of oneself the only other status is closed. An uninitialized account
    may set its password and nothing else: AccountNotActive (403).
    """
    caller = g.effective_account
    if caller.status == UNINITIALIZED and values.keys() != {"auth_token"}:
        raise AccountNotActive()
    if "role" in values:
        require_role_within_rights(values["role"])
    is_own = operated.sid == caller.sid
    if is_own and values.get("status", caller.status) not in (caller.status, CLOSED):
        raise Forbidden()


def _rights_of(role, own):
    return rights_of(role, current_app.config["ROLES"], own)
