"""Rows into the configured database: compared with what is there, written in batches."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import cast

import peewee

from restcomm_apps.domain.vocabulary import CLOSED
from restcomm_apps.store import account_locks
from restcomm_apps.store.database import database, is_mysql
from restcomm_apps.store.models import Account, Organization, RestcommModel
from restcomm_apps.store.prepared import read_rows

from .database_rows import present_tables
from .rows import (
    MODELS,
    BadRow,
    Refused,
    SourceRow,
    Values,
    stored_value,
    unknown_columns,
    values_of,
)

# Of a batch: rows, which bounds the parameters of a statement, and characters, which bounds it.
_BATCH_ROWS = 500
_BATCH_CHARACTERS = 2**20
_BAD_ROWS_KEPT = 100


AnyRow = SourceRow | BadRow
# Rows as they will be stored, and as their source has them.
Batch = list[tuple[Values, SourceRow]]
Write = Callable[[type[RestcommModel], list[Values]], None]


class Difference:
    """What an import adds and changes, or would: ``added``, ``changed`` and ``same`` count rows by
    table, ``columns`` the changed rows by (table, column); ``unknown`` lists by table the columns
    that were left out, ``bad`` the first of ``bad_count`` rows that cannot be taken.
    """

    def __init__(self) -> None:
        self.added: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.same: Counter[str] = Counter()
        self.columns: Counter[tuple[str, str]] = Counter()
        self.unknown: defaultdict[str, set[str]] = defaultdict(set)
        self.bad: list[BadRow] = []
        self.bad_count = 0

    def refuse(self, bad_row: BadRow) -> None:
        """Note a row that cannot be taken."""
        self.bad_count += 1
        if len(self.bad) < _BAD_ROWS_KEPT:
            self.bad.append(bad_row)


def belonging_to(account_sids: Collection[str], rows: Iterable[AnyRow]) -> Iterator[AnyRow]:
    """Yield those of a source's rows that belong to some accounts, and the accounts' organizations.

    Sub-accounts do not belong to an account. Bad rows are passed on: whose they are is not known.
    An account that the source lacks is a bad row, too.
    """
    organizations: list[SourceRow] = []
    wanted: list[object] = []
    missing = set(account_sids)
    for row in rows:
        if isinstance(row, BadRow):
            yield row
        elif row.table == Organization._meta.table_name:
            organizations.append(row)
        elif row.table == Account._meta.table_name:
            if (sid := row.columns.get("sid")) in account_sids:
                missing.discard(str(sid))
                wanted.append(row.columns.get("organization_sid"))
                yield row
        elif row.columns.get("account_sid") in account_sids:
            yield row
    yield from (row for row in organizations if row.columns.get("sid") in wanted)
    for sid in sorted(missing):
        yield BadRow(f"--account {sid}", "the source has no such account")


def load(rows: Iterable[AnyRow], write: bool, progress: Callable[[], None]) -> Difference:
    """Compare a source's rows with the database and return the Difference.

    With ``write`` what differs is written, too: call it in a transaction. ``progress`` is called
    without arguments from time to time.
    """
    return _Loader(write, progress).run(rows)


class _Loader:
    def __init__(self, write: bool, progress: Callable[[], None]) -> None:
        self.write, self.progress = write, progress
        self.difference = Difference()
        self.tables = present_tables(database)
        self.seen: defaultdict[str, set[str]] = defaultdict(set)
        # {sid: status} of the source's accounts, and of those here that are kept as they are.
        self.statuses: dict[str, str] = {}
        self.kept: dict[str, str | None] = {}
        self.domains = self._read_domains()
        self.batches: defaultdict[str, Batch] = defaultdict(list)
        self.characters: Counter[str] = Counter()

    def _read_domains(self) -> dict[str, str]:
        """Return {domain: sid of its organization}; a domain is the same in any case."""
        if Organization._meta.table_name not in self.tables:
            return {}
        found = read_rows(Organization.select(Organization.domain_name, Organization.sid))
        return {row.domain_name.lower(): row.sid for row in found}

    def run(self, rows: Iterable[AnyRow]) -> Difference:
        """Take all rows and return the Difference."""
        for row in rows:
            if isinstance(row, BadRow):
                self.difference.refuse(row)
            elif row.table not in self.tables:
                self.difference.unknown[row.table] |= row.columns.keys()
            else:
                self._take(row)
        for table in list(self.batches):
            self._finish(table)
        return self.difference

    def _take(self, row: SourceRow) -> None:
        """Put a row into its table's batch, and finish the batch when it is full."""
        try:
            values = values_of(row)
            self._check_unique(row.table, values)
        except Refused as reason:
            self.difference.refuse(BadRow(_place(row), str(reason)))
            return
        if row.table == Account._meta.table_name:
            self.statuses[values["sid"]] = values["status"]
        if unknown := unknown_columns(row):
            self.difference.unknown[row.table] |= unknown
        batch = self.batches[row.table]
        batch.append((values, row))
        self.characters[row.table] += sum(map(len, filter(_is_text, values.values())))
        if len(batch) >= _BATCH_ROWS or self.characters[row.table] >= _BATCH_CHARACTERS:
            self._finish(row.table)

    def _check_unique(self, table: str, values: Values) -> None:
        sid, seen = values["sid"], self.seen[table]
        if sid in seen:
            raise Refused("its sid has been met before")
        if table == Organization._meta.table_name:
            owner = self.domains.setdefault(values["domain_name"].lower(), sid)
            if owner != sid:
                raise Refused(f"domain_name {values['domain_name']!a} is that of {owner}")
        seen.add(sid)

    def _finish(self, table: str) -> None:
        """Compare a table's batch with the rows that are there, write what differs, count."""
        model, batch = MODELS[table], self.batches.pop(table)
        del self.characters[table]
        if "account_sid" in model._meta.fields:
            batch = self._refuse_closed(batch)
        present = _read_present(model, [values["sid"] for values, _ in batch])
        added = [(values, row) for values, row in batch if values["sid"] not in present]
        refused = self._write(_insert, model, added) if self.write else 0
        self.difference.added[table] += len(added) - refused
        changed: Batch = []
        for values, row in batch:
            if values["sid"] in present:
                columns = _changed_columns(model, values, present[values["sid"]])
                self.difference.columns.update((table, name) for name in columns)
                changed += [(values, row)] if columns else []
        self.difference.same[table] += len(batch) - len(added) - len(changed)
        refused = self._write(_replace, model, changed) if self.write else 0
        self.difference.changed[table] += len(changed) - refused
        self.progress()

    def _refuse_closed(self, batch: Batch) -> Batch:
        """Refuse rows of accounts that are closed here, unless the source has them closed too.

        While it writes, the accounts are kept as they are until the commit.
        """
        owners = sorted({values["account_sid"] for values, _ in batch})
        closed = {sid for sid in owners if self._is_closed(sid)}
        kept: Batch = []
        for values, row in batch:
            if values["account_sid"] in closed:
                reason = f"its account {values['account_sid']} is closed"
                self.difference.refuse(BadRow(_place(row), reason))
            else:
                kept.append((values, row))
        return kept

    def _is_closed(self, account_sid: str) -> bool:
        in_source = self.statuses.get(account_sid)
        if in_source == CLOSED or (in_source is not None and not self.write):
            return False
        if account_sid not in self.kept:
            self.kept[account_sid] = account_locks.keep_as_it_is(account_sid)
        return self.kept[account_sid] == CLOSED

    def _write(self, write: Write, model: type[RestcommModel], batch: Batch) -> int:
        """Write a batch; where the database refuses one of it, row by row. Count the refused."""
        if not batch:
            return 0
        try:
            with database.atomic():
                write(model, [values for values, _ in batch])
            return 0
        except (peewee.DataError, peewee.IntegrityError) as error:
            if len(batch) > 1:
                return sum(self._write(write, model, [pair]) for pair in batch)
            self.difference.refuse(BadRow(_place(batch[0][1]), f"the database refuses it: {error}"))
            return 1


def _read_present(model: type[RestcommModel], sids: list[str]) -> dict[str, Values]:
    """Return {sid: row} of those sids that are there."""
    present = cast("Iterable[Values]", model.select().where(model.sid.in_(sids)).dicts())
    return {row["sid"]: row for row in present}


def _changed_columns(model: type[RestcommModel], values: Values, present: Values) -> list[str]:
    """List the columns in which a row differs from the one that is there."""
    return [
        field.name
        for field in model.present_fields().values()
        if values[field.name] != present[field.name]
        and _differs(field, values[field.name], present[field.name])
    ]


def _differs(field: peewee.Field, value: object, present: object) -> bool:
    """Compare two values that are not equal as the database would keep them both.

    A date may be a text or not, and MariaDB has no fractions of a second.
    """
    try:
        present = stored_value(field, present)
    except Refused:
        return True  # It should not be there.
    differs: bool = field.db_value(value) != field.db_value(present)
    return differs


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _place(row: SourceRow) -> str:
    sid = row.columns.get("sid")
    named = isinstance(sid, str) and sid.isascii() and sid.isprintable() and sid not in row.where
    return f"{row.where}, {row.table} {sid}" if named else row.where


def _insertion(model: type[RestcommModel]) -> peewee.ModelInsert:
    """Make the insertion of one row, for its text alone."""
    fields = list(model.present_fields().values())
    return model.insert_many([[None] * len(fields)], fields=fields)


def _insert(model: type[RestcommModel], rows: list[Values]) -> None:
    _execute(_insertion(model), model, rows)


def _replace(model: type[RestcommModel], rows: list[Values]) -> None:
    """Write rows over those of the same sid; columns that only Restcomm knows stay as they are."""
    update = {
        "preserve": [field for field in model.present_fields().values() if field is not model.sid]
    }
    if not is_mysql():
        update["conflict_target"] = [model.sid]
    _execute(_insertion(model).on_conflict(**update), model, rows)


def _execute(insertion: peewee.ModelInsert, model: type[RestcommModel], rows: list[Values]) -> None:
    """Run an insertion for many rows; the driver is several times as fast at it as Peewee."""
    statement, _ = insertion.sql()
    fields = model.present_fields().values()
    values = [[field.db_value(row[field.name]) for field in fields] for row in rows]
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # The stubs lack it.
        database.cursor().executemany(statement, values)
