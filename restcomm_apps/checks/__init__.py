"""Every check of an existing database: what is wrong with it, and what can be mended.

Checking writes nothing. What a request needs of the database is not checked here.
"""

from restcomm_apps.store.database import database, transaction

from .base import INFORMATIONAL, WRONG, Finding
from .inventory import take_inventory
from .references import REFERENCE_CHECKS
from .structure import STRUCTURE_CHECKS
from .values import VALUE_CHECKS

CHECKS = (*STRUCTURE_CHECKS, *REFERENCE_CHECKS, *VALUE_CHECKS)
MENDABLE = tuple(check.name for check in CHECKS if check.mending)

__all__ = ["CHECKS", "INFORMATIONAL", "MENDABLE", "WRONG", "Finding", "find_all", "mend"]


def find_all(roles):
    """List all (Check, Finding) of the database, in the order of CHECKS.

    ``roles`` are those that the setting ROLES defines.
    """
    install = take_inventory(roles)
    return [(check, finding) for check in CHECKS for finding in check.find(install)]


def mend(findings):
    """Mend what the (Check, Finding) describe; list (Check, Finding, mended) of it.

    ``mended`` counts the rows that were changed, or the indexes and tables. The schema comes
    first, one change after the other, as a MariaDB cannot take them back; all rows are changed in
    one transaction.
    """
    structure = [pair for pair in findings if pair[0] in STRUCTURE_CHECKS]
    rows = [pair for pair in findings if pair[0] not in STRUCTURE_CHECKS]
    for _, finding in structure:
        _execute(finding)
    changed = _mend_rows(rows)
    return [(check, finding, finding.count) for check, finding in structure] + changed


@transaction
def _mend_rows(findings):
    return [(check, finding, _execute(finding)) for check, finding in findings]


def _execute(finding):
    return sum(database.execute(statement).rowcount for statement in finding.statements)
