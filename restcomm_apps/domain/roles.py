"""Roles and what they may do: pairs of an action and a resource.

Source: legacy/CLIENTS.md; roles beyond the two built-in ones come from the setting ROLES.
"""

import re

Right = tuple[str, str]
Rights = frozenset[Right]

ADMINISTRATOR, DEVELOPER = "Administrator", "Developer"
# What stands for all actions, or for all resources.
ANY = "*"
ACTIONS = ("Create", "Read", "Modify", "Delete")

BUILT_IN: dict[str, Rights] = {
    ADMINISTRATOR: frozenset({(ANY, ANY)}),
    DEVELOPER: frozenset({(ANY, "Applications")}),
}
# What a role may do on its own account, beyond what it is granted everywhere. Creating an
# account below it is not part of that.
_ON_OWN_ACCOUNT: dict[str, Rights] = {
    DEVELOPER: frozenset({("Read", "Accounts"), ("Modify", "Accounts")})
}
_NOTHING: Rights = frozenset()

_PERMISSION = re.compile(r"RestComm:([A-Za-z,]+|\*):(\*|[A-Za-z]+)")


def rights_of(role: str, roles: dict[str, Rights], own: bool) -> Rights:
    """Return the rights of a role on its own account or on another; ``roles`` are all there are."""
    granted = roles.get(role, _NOTHING)
    return granted | _ON_OWN_ACCOUNT[role] if own and role in _ON_OWN_ACCOUNT else granted


def covers(rights: Rights, right: Right) -> bool:
    """Return whether some rights include one."""
    action, resource = right
    return not rights.isdisjoint(((action, resource), (action, ANY), (ANY, resource), (ANY, ANY)))


def read_roles(text: str) -> dict[str, Rights]:
    """Read ``Name=RestComm:Read,Modify:Applications …; Name=…`` into {role: rights}.

    The built-in roles are among them. Raises ValueError.
    """
    roles = dict(BUILT_IN)
    for definition in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, permissions = definition.partition("=")
        name = name.strip()
        if not equals or not name or name in roles:
            raise ValueError(definition)
        roles[name] = frozenset(
            right for permission in permissions.split() for right in _read_permission(permission)
        )
    return roles


def _read_permission(text: str) -> list[Right]:
    match = _PERMISSION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    actions = set(match[1].split(","))
    if actions != {ANY} and not actions <= set(ACTIONS):
        raise ValueError(text)
    return [(action, match[2]) for action in actions]
