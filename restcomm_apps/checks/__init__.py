"""Every check of an existing database: what is wrong with it, and what can be mended.

Checking writes nothing. What a request needs of the database is not checked here.
"""

from collections.abc import Iterable

from restcomm_apps.store.database import database, transaction

from .base import INFORMATIONAL, WRONG, Check, Finding
from .inventory import take_inventory
from .references import REFERENCE_CHECKS
from .structure import STRUCTURE_CHECKS
from .values import VALUE_CHECKS

Found = tuple[Check, Finding]

CHECKS: tuple[Check, ...] = (*STRUCTURE_CHECKS, *REFERENCE_CHECKS, *VALUE_CHECKS)
MENDABLE = tuple(check.name for check in CHECKS if check.mending)

__all__ = ["CHECKS", "INFORMATIONAL", "MENDABLE", "WRONG", "Finding", "Found", "find_all", "mend"]


def find_all(roles: Iterable[str]) -> list[Found]:
    """List all (Check, Finding) of the database, in the order of CHECKS.

    ``roles`` are those that the setting ROLES defines.
    """
    inventory = take_inventory(roles)
    return [(check, finding) for check in CHECKS for finding in check.find(inventory)]


def mend(findings: Iterable[Found]) -> list[tuple[Check, Finding, int]]:
    """Mend what the (Check, Finding) describe; list (Check, Finding, mended) of it.

    ``mended`` counts the rows that were changed, or the indexes and tables. The schema comes
    first, one change after the other, as a MariaDB cannot take them back; all rows are changed in
    one transaction.
    """
    structure: list[Found] = []
    rows: list[Found] = []
    for check, finding in findings:
        (structure if check in STRUCTURE_CHECKS else rows).append((check, finding))
    for _, finding in structure:
        _execute(finding)
    mended = [(check, finding, finding.number) for check, finding in structure]
    return mended + _mend_rows(rows)


@transaction
def _mend_rows(findings: list[Found]) -> list[tuple[Check, Finding, int]]:
    return [(check, finding, _execute(finding)) for check, finding in findings]


def _execute(finding: Finding) -> int:
    return sum(database.execute(statement).rowcount for statement in finding.statements)
