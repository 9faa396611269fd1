"""The checks of the values that rows hold."""

from collections.abc import Collection, Iterator

import peewee
from peewee import fn

from restcomm_apps.domain import sids
from restcomm_apps.domain.vocabulary import API_VERSION, KINDS, STATUSES
from restcomm_apps.store.database import is_mysql
from restcomm_apps.store.expressions import (
    ends_with,
    has_other_than_alphanumerics,
    joined,
    length,
    to_the_letter,
)
from restcomm_apps.store.models import (
    TABLES,
    Account,
    Application,
    Client,
    IncomingPhoneNumber,
    Organization,
    RestcommModel,
)

from .base import INFORMATIONAL, WRONG, Rows, rows_check
from .inventory import Field, Inventory

_OWNED = (Application, IncomingPhoneNumber, Client)
_PREFIXES = {
    Organization: sids.ORGANIZATION,
    Account: sids.ACCOUNT,
    Application: sids.APPLICATION,
    IncomingPhoneNumber: sids.NUMBER,
    Client: sids.CLIENT,
}


def _find_namesakes(inventory: Inventory) -> Iterator[Rows]:
    columns = (to_the_letter(Application.account_sid), to_the_letter(Application.friendly_name))
    yield Rows(
        _shared(Application, columns),
        reads=(Application.account_sid, Application.friendly_name),
        shows=(Application.account_sid, Application.friendly_name),
    )


def _find_shared_addresses(inventory: Inventory) -> Iterator[Rows]:
    yield Rows(
        _shared(Account, (to_the_letter(Account.email_address),)),
        reads=(Account.email_address,),
        shows=(Account.email_address,),
    )


def _shared(
    model: type[RestcommModel], columns: tuple[peewee.ColumnBase, ...]
) -> peewee.ColumnBase:
    """Match the rows that have the same as another one in these columns."""
    several = model.select(*columns).group_by(*columns).having(fn.COUNT(model.sid) > 1)
    return (peewee.Tuple(*columns) if len(columns) > 1 else columns[0]).in_(several)


def _is_malformed(sid: peewee.ColumnBase) -> peewee.ColumnBase:
    return (length(sid) != 34) | has_other_than_alphanumerics(sid)


def _find_malformed_sids(inventory: Inventory) -> Iterator[Rows]:
    for model in TABLES:
        yield Rows(_is_malformed(model.sid), reads=(model.sid,))


def _find_other_prefixes(inventory: Inventory) -> Iterator[Rows]:
    for model, prefix in _PREFIXES.items():
        other = to_the_letter(fn.SUBSTR(model.sid, 1, len(prefix))) != prefix
        yield Rows(~_is_malformed(model.sid) & other, reads=(model.sid,))


def _right_uri(model: type[RestcommModel]) -> peewee.ColumnBase:
    """Make the uri of a row as Restcomm writes it, without a root."""
    accounts = f"/{API_VERSION}/Accounts/"
    if model is Account:
        return joined(accounts, Account.sid)
    # What stands in its URLs: Applications, IncomingPhoneNumbers, Clients
    resource = f"/{model.__name__}s/"
    return joined(accounts, _owner_of(model), resource, model.sid)


def _owner_of(model: type[RestcommModel]) -> Field:
    owner: Field = model._meta.fields["account_sid"]
    return owner


def _find_other_uris(inventory: Inventory) -> Iterator[Rows]:
    for model in (Account, *_OWNED):
        right = _right_uri(model)
        # Any root may stand in front.
        is_right = ends_with(model.uri, right) & (fn.SUBSTR(model.uri, 1, 1) == "/")
        owner = () if model is Account else (_owner_of(model),)
        yield Rows(
            ~is_right,
            reads=(model.uri, *owner),
            shows=(*owner, model.uri),
            new_values={model.uri: right},
        )


def _make_lower(column: Field, words: Collection[str]) -> Rows:
    lower = fn.LOWER(column)
    differs = to_the_letter(column) != to_the_letter(lower)
    in_other_case = to_the_letter(lower).in_(words) & differs
    return Rows(in_other_case, reads=(column,), shows=(column,), new_values={column: lower})


def _unknown(column: Field, words: Collection[str]) -> Rows:
    return Rows(to_the_letter(fn.LOWER(column)).not_in(words), reads=(column,), shows=(column,))


def _find_unknown_roles(inventory: Inventory) -> Iterator[Rows]:
    unknown = to_the_letter(Account.role).not_in(inventory.roles)
    yield Rows(unknown, reads=(Account.role,), shows=(Account.role,))


def _find_nulls(inventory: Inventory) -> Iterator[Rows]:
    for field, column in inventory.columns():
        # A column that is declared NOT NULL holds none.
        if not field.null and column.nullable:
            yield Rows(field.is_null(), reads=(field,), column=field)


def _find_long_values(inventory: Inventory) -> Iterator[Rows]:
    for field, column in inventory.columns():
        longest = getattr(field, "max_length", None)
        # SQLite enforces no declared length.
        enforced = column.length if is_mysql() else None
        if longest and not (enforced and enforced <= longest):
            yield Rows(length(field) > longest, reads=(field,), column=field)


def _find_odd_dates(inventory: Inventory) -> Iterator[Rows]:
    for field, _ in inventory.columns():
        if field.field_type == "DATETIME":
            yield Rows(_is_odd(field.cast("CHAR")), reads=(field,), shows=(field,), column=field)


def _is_odd(date: peewee.ColumnBase) -> peewee.ColumnBase:
    """Match the texts that are no date, or one of those zero dates that MySQL allows."""
    # ** is LIKE; _ stands for any character.
    is_date = (date ** "____-__-__ __:__:__%") | (date ** "____-__-__T__:__:__%")
    is_zero = (date ** "0000-%") | (date ** "____-00-%") | (date ** "____-__-00%")
    is_odd: peewee.ColumnBase = ~is_date | is_zero
    return is_odd


VALUE_CHECKS = (
    rows_check(
        "missing-values", WRONG, "rows without a value where there must be one", _find_nulls
    ),
    rows_check(
        "sids",
        WRONG,
        "rows whose sid is not 34 letters and digits, so that no URL reaches them",
        _find_malformed_sids,
    ),
    rows_check(
        "sid-prefixes",
        INFORMATIONAL,
        "rows whose sid does not begin as its resource's do (AP, AC, OR, PN, CL)",
        _find_other_prefixes,
    ),
    rows_check(
        "uris",
        WRONG,
        "rows whose uri disagrees with their sid or account",
        _find_other_uris,
        "writes the uri anew, without a root",
    ),
    rows_check(
        "kinds",
        WRONG,
        "applications whose kind is not in lower case, which a Restcomm cannot read",
        lambda inventory: [_make_lower(Application.kind, KINDS)],
        "writes the kind in lower case",
    ),
    rows_check(
        "unknown-kinds",
        WRONG,
        "applications of a kind that no Restcomm knows",
        lambda inventory: [_unknown(Application.kind, KINDS)],
    ),
    rows_check(
        "statuses",
        WRONG,
        "accounts whose status is not in lower case, so that they may not call",
        lambda inventory: [_make_lower(Account.status, STATUSES)],
        "writes the status in lower case",
    ),
    rows_check(
        "unknown-statuses",
        WRONG,
        "accounts of a status that no Restcomm knows",
        lambda inventory: [_unknown(Account.status, STATUSES)],
    ),
    rows_check(
        "roles",
        INFORMATIONAL,
        "accounts of a role that the setting ROLES does not define; they may do nothing",
        _find_unknown_roles,
    ),
    rows_check(
        "duplicate-names",
        INFORMATIONAL,
        "applications that share their name with another one of their account",
        _find_namesakes,
    ),
    rows_check(
        "duplicate-addresses",
        INFORMATIONAL,
        "accounts that share their e-mail address; only the first by sid can call with it",
        _find_shared_addresses,
    ),
    rows_check(
        "long-values",
        INFORMATIONAL,
        "rows with a value longer than Restcomm's column",
        _find_long_values,
    ),
    rows_check(
        "dates",
        INFORMATIONAL,
        "rows with what is no date; replies show it as it is",
        _find_odd_dates,
    ),
)
