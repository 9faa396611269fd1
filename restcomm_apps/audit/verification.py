"""Whether the audit trail is whole: every chain against its hashes, its head and older exports."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import peewee

from restcomm_apps.store.database import current_store, snapshot
from restcomm_apps.store.service_models import Change, ChangeHead

from . import chain

_COLUMNS = [field.name for field in Change._meta.sorted_fields]
_ACCOUNT_SID, _SEQUENCE = _COLUMNS.index("account_sid"), _COLUMNS.index("sequence")
_PREVIOUS_HASH, _HASH = _COLUMNS.index("previous_hash"), _COLUMNS.index("hash")
# Rows read by one query, so that no driver holds the whole trail.
_BATCH = 5000

# What the driver reads of a change: tampered with, any column may hold anything.
Row: TypeAlias = tuple[Any, ...]


class Findings:
    """What a check found: ``length`` changes, ``faults`` as sentences."""

    def __init__(self) -> None:
        self.length = 0
        self.faults: list[str] = []


def check_trail(exported: Iterable[tuple[str, int, str]] = ()) -> Findings:
    """Check all chains, and that they hold the entries of an older export unchanged.

    ``exported`` are entries as (account sid, sequence, hash).
    """
    findings = Findings()
    expected = {(account_sid, sequence): its_hash for account_sid, sequence, its_hash in exported}
    with snapshot():
        heads = _read_heads()
        for account_sid, rows in groupby(_read_rows(), itemgetter(_ACCOUNT_SID)):
            entries = _compare(rows, expected, findings)
            faults = chain.find_faults(entries, heads.pop(account_sid, None))
            findings.faults += [f"{_shown(account_sid)}: {fault}" for fault in faults]
    for account_sid, head in heads.items():
        faults = chain.find_faults((), head)
        findings.faults += [f"{_shown(account_sid)}: {fault}" for fault in faults]
    findings.faults += [
        f"{account_sid}: change {sequence} is not in the trail any more"
        for account_sid, sequence in expected
    ]
    return findings


def _read_heads() -> dict[Any, chain.Head]:
    database: peewee.Database = current_store().database
    rows = database.execute(ChangeHead.select())
    return {account_sid: chain.Head(length, its_hash) for account_sid, length, its_hash in rows}


def _read_rows() -> Iterator[Row]:
    """Yield all rows of the trail as the driver reads them, chain by chain."""
    database: peewee.Database = current_store().database
    query = Change.select().order_by(Change.account_sid, Change.sequence)
    page = 1
    while rows := list(database.execute(query.paginate(page, _BATCH))):
        yield from rows
        page += 1


def _compare(
    rows: Iterable[Row], expected: dict[tuple[str, int], str], findings: Findings
) -> Iterator[chain.Entry]:
    """Yield rows as entries; note those that an export has with another hash."""
    for row in rows:
        findings.length += 1
        key = row[_ACCOUNT_SID], row[_SEQUENCE]
        if key in expected and expected.pop(key) != row[_HASH]:
            findings.faults.append(f"{_shown(key[0])}: change {key[1]} differs from the export")
        yield chain.Entry(
            row[_SEQUENCE], row[_PREVIOUS_HASH], row[_HASH], chain.hash_of(row[:_HASH])
        )


def _shown(text: object) -> str:
    # What was tampered with may hold anything, and is printed on a terminal.
    return text if isinstance(text, str) and text.isascii() and text.isalnum() else ascii(text)
