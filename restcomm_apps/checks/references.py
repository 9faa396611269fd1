"""The checks of what rows point at: accounts, organizations, applications."""

from collections.abc import Iterator

from peewee import fn

from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.store.columns import SidField
from restcomm_apps.store.expressions import pointed_at, to_the_letter
from restcomm_apps.store.models import (
    Account,
    Application,
    Client,
    IncomingPhoneNumber,
    Organization,
    RestcommModel,
)

from .base import INFORMATIONAL, WRONG, Rows, rows_check
from .inventory import Inventory

_REFERENCES = (
    IncomingPhoneNumber.voice_application_sid,
    IncomingPhoneNumber.sms_application_sid,
    IncomingPhoneNumber.ussd_application_sid,
    IncomingPhoneNumber.refer_application_sid,
    Client.voice_application_sid,
)


def _find_ownerless(inventory: Inventory) -> Iterator[Rows]:
    for model in (Application, IncomingPhoneNumber, Client):
        yield _pointing_nowhere(inventory, model.account_sid, Account)


def _find_of_closed_accounts(inventory: Inventory) -> Iterator[Rows]:
    owner = Account.alias()
    owners = pointed_at(Application.account_sid, owner, inventory.collation_of(Account.sid))
    yield Rows(
        fn.EXISTS(owners.where(owner.status == CLOSED)),
        reads=(Application.account_sid, Account.sid, Account.status),
        shows=(Application.account_sid,),
    )


def _find_parentless(inventory: Inventory) -> Iterator[Rows]:
    yield _pointing_nowhere(inventory, Account.parent_sid, Account)


def _find_of_unknown_organization(inventory: Inventory) -> Iterator[Rows]:
    for model in (Account, IncomingPhoneNumber):
        yield _pointing_nowhere(inventory, model.organization_sid, Organization)


def _find_dangling(inventory: Inventory) -> Iterator[Rows]:
    for column in _REFERENCES:
        dangling = _pointing_nowhere(inventory, column, Application)
        yield dangling._replace(new_values={column: None}, column=column)


def _pointing_nowhere(inventory: Inventory, column: SidField, model: type[RestcommModel]) -> Rows:
    found = pointed_at(column, model.alias(), inventory.collation_of(model.sid))
    return Rows(
        column.is_null(False) & ~fn.EXISTS(found), reads=(column, model.sid), shows=(column,)
    )


def _find_foreign(inventory: Inventory) -> Iterator[Rows]:
    collation = inventory.collation_of(Application.sid)
    for column in _REFERENCES:
        owner = column.model.account_sid
        target = Application.alias()
        foreign = to_the_letter(target.account_sid) != to_the_letter(owner)
        yield Rows(
            fn.EXISTS(pointed_at(column, target, collation).where(foreign)),
            reads=(column, owner, Application.sid, Application.account_sid),
            shows=(owner, column),
            column=column,
        )


REFERENCE_CHECKS = (
    rows_check("ownerless", WRONG, "rows of an account that is not there", _find_ownerless),
    rows_check(
        "closed-accounts",
        WRONG,
        "applications of an account that is closed, which closing should have removed",
        _find_of_closed_accounts,
    ),
    rows_check("parentless", INFORMATIONAL, "accounts whose parent is not there", _find_parentless),
    rows_check(
        "organizations",
        INFORMATIONAL,
        "rows of an organization that is not there",
        _find_of_unknown_organization,
    ),
    rows_check(
        "dangling",
        WRONG,
        "rows that point at an application that is not there",
        _find_dangling,
        "sets the reference to NULL",
    ),
    rows_check(
        "foreign-references",
        INFORMATIONAL,
        "rows that point at an application of another account, whose lists do not show them",
        _find_foreign,
    ),
)
