"""Whether the audit trail is whole: every chain against its hashes, its head and older exports."""

from itertools import groupby
from operator import itemgetter

from restcomm_apps.store.database import database, snapshot
from restcomm_apps.store.service_models import Change, ChangeHead

from . import chain as chains

_COLUMNS = [field.name for field in Change._meta.sorted_fields]
_ACCOUNT_SID, _SEQUENCE = _COLUMNS.index("account_sid"), _COLUMNS.index("sequence")
_PREVIOUS_HASH, _HASH = _COLUMNS.index("previous_hash"), _COLUMNS.index("hash")
# Rows read by one query, so that no driver holds the whole trail.
_BATCH = 5000


class Findings:
    """What a check found: ``length`` changes, ``faults`` as sentences."""

    def __init__(self):
        self.length = 0
        self.faults = []


def check_trail(exported=()):
    """Check all chains, and that they hold the entries of an older export unchanged.

    ``exported`` are entries as (account sid, sequence, hash). Gives Findings.
    """
    findings = Findings()
    wanted = {(account_sid, sequence): entry_hash for account_sid, sequence, entry_hash in exported}
    with snapshot():
        heads = {
            account_sid: chains.Head(length, entry_hash)
            for account_sid, length, entry_hash in database.execute(ChangeHead.select())
        }
        for account_sid, rows in groupby(_read_rows(), itemgetter(_ACCOUNT_SID)):
            entries = _compare(rows, wanted, findings)
            faults = chains.find_faults(entries, heads.pop(account_sid, None))
            findings.faults += [f"{_shown(account_sid)}: {fault}" for fault in faults]
    for account_sid, head in heads.items():
        faults = chains.find_faults((), head)
        findings.faults += [f"{_shown(account_sid)}: {fault}" for fault in faults]
    findings.faults += [
        f"{account_sid}: change {sequence} is not in the trail any more"
        for account_sid, sequence in wanted
    ]
    return findings


def _read_rows():
    """Give all rows of the trail as the driver reads them, chain by chain."""
    query = Change.select().order_by(Change.account_sid, Change.sequence)
    page = 1
    while rows := list(database.execute(query.paginate(page, _BATCH))):
        yield from rows
        page += 1


def _compare(rows, wanted, findings):
    """Give rows as entries, and find those that an export has with another hash."""
    for row in rows:
        findings.length += 1
        key = row[_ACCOUNT_SID], row[_SEQUENCE]
        if key in wanted and wanted.pop(key) != row[_HASH]:
            findings.faults.append(f"{_shown(key[0])}: change {key[1]} differs from the export")
        yield chains.Entry(
            row[_SEQUENCE], row[_PREVIOUS_HASH], row[_HASH], chains.hash_of(row[:_HASH])
        )


def _shown(text):
    # What was tampered with may hold anything, and is printed on a terminal.
    return text if isinstance(text, str) and text.isascii() and text.isalnum() else ascii(text)
