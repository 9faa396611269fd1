"""The audit trail's chains: what is changed in them behind the service's back is found."""

import re
from contextlib import closing

import peewee
import pytest

from restcomm_apps.audit import verification as trail_checks
from restcomm_apps.audit.chain import hash_of
from restcomm_apps.store.database import database
from restcomm_apps.store.service_models import Change, ChangeHead

from ..support.command_line import run, succeed
from ..support.databases import SERVER, connect_directly
from ..support.rows import CHILD, STRANGER

CHANGES, HEADS = Change._meta.table_name, ChangeHead._meta.table_name
COLUMNS = [field.name for field in Change._meta.sorted_fields]
LENGTH = 6
OF_CHILD = f"{CHILD['sid']}: "


@pytest.fixture
def trail(service, database_url):
    """A direct connection to a database with six changes of CHILD and one of STRANGER."""
    path = f"/Accounts/{CHILD['sid']}/Applications"
    sid = service.request("POST", f"{path}.json", CHILD, data={"FriendlyName": "é"}).json["sid"]
    service.request("PUT", f"{path}/{sid}", CHILD, data={"Kind": "sms"})
    service.request("PUT", f"{path}/{sid}", CHILD, data={"Kind": "", "RcmlUrl": "/a"})
    service.request("DELETE", f"{path}/{sid}", CHILD)
    service.request("POST", path, CHILD, data={"FriendlyName": "Second"})
    service.request("POST", path, CHILD, data={"FriendlyName": "Third"})
    path = f"/Accounts/{STRANGER['sid']}/Applications"
    service.request("POST", path, STRANGER, data={"FriendlyName": "Only"})
    assert find_faults() == []
    with closing(connect_directly(database_url)) as connection:
        yield connection


def find_faults(exported=()):
    return trail_checks.check_trail(exported).faults


def execute(connection, statement, values=()):
    """Run and commit a statement; give its rows."""
    with connection:
        return list(connection.execute(statement, values).fetchall())


def flipped(value):
    """List what a value becomes by a change of one of its octets, or of its kind.

    A MariaDB lets no text in that is not UTF-8, nothing but whole numbers into such a column, and
    no space behind a text that fills its column.
    """
    if value is None:
        return ["", "x"]
    if isinstance(value, int):
        return [value ^ (1 << bit) for bit in (0, 1, 8, 16, 24, 32, 40, 48, 56)]
    octets = value.encode()

    def with_flip(at, mask):
        return octets[:at] + bytes([octets[at] ^ mask]) + octets[at + 1 :]

    variants = [with_flip(at, 1) for at in range(len(octets))]
    variants = [each.decode() for each in [*variants, octets[:-1], octets[1:]]]
    if not SERVER:
        variants += [("TEXT", with_flip(0, 128)), ("BLOB", octets), value + " "]
    return variants


def check_change(column, conditions, variant):
    """Change one column of one row, look for faults, and roll it back; give the faults or None."""
    kind, variant = variant if isinstance(variant, tuple) else (None, variant)
    value = peewee.Value(variant, converter=False)
    changed = column.model.update({column: value.cast(kind) if kind else value})
    with database.atomic() as transaction:
        try:
            changed.where(*conditions).execute()
            return find_faults()
        except peewee.IntegrityError:
            return None  # Another row has this key: no such change can be made.
        finally:
            transaction.rollback()


@pytest.mark.parametrize("column", Change._meta.sorted_fields, ids=COLUMNS)
def test_flip_of_any_octet_of_a_change_is_found(trail, column):
    for sequence in (1, 3, LENGTH):
        conditions = Change.account_sid == CHILD["sid"], Change.sequence == sequence
        is_key = column.name in ("account_sid", "sequence")
        expected = "missing" if is_key else f"change {sequence} was changed"
        value = Change.select(column).where(*conditions).scalar()
        found = [
            faults
            for variant in flipped(value)
            if (faults := check_change(column, conditions, variant)) is not None
        ]
        assert len(found) > 1
        assert [faults for faults in found if expected not in "".join(faults)] == []
    assert find_faults() == []


@pytest.mark.parametrize("column", ChangeHead._meta.sorted_fields, ids=lambda each: each.name)
def test_flip_of_any_octet_of_a_head_is_found(trail, column):
    condition = ChangeHead.account_sid == CHILD["sid"]
    value = ChangeHead.select(column).where(condition).scalar()
    assert all(check_change(column, [condition], variant) for variant in flipped(value))
    assert find_faults() == []


@pytest.mark.parametrize("column", [Change.properties, Change.hash], ids=lambda each: each.name)
def test_flip_is_told_of_the_one_change_that_has_it(trail, column):
    conditions = Change.account_sid == CHILD["sid"], Change.sequence == 3
    faults = check_change(column, conditions, "0" * 64)
    assert faults == [f"{OF_CHILD}change 3 was changed"]


@pytest.mark.parametrize(
    "sequences, told",
    [
        ([1], "change 1 is missing"),
        ([3], "change 3 is missing"),
        ([2, 3], "changes 2 to 3 are missing"),
        ([LENGTH], "change 6 is missing"),
        ([4, 5, LENGTH], "changes 4 to 6 are missing"),
        (range(1, LENGTH + 1), "changes 1 to 6 are missing"),
    ],
    ids=["first", "middle", "two", "last", "tail", "all"],
)
def test_removal_of_changes_is_found(trail, sequences, told):
    for sequence in sequences:
        delete_change(trail, sequence)
    assert find_faults() == [OF_CHILD + told]


def renumber(connection, sequence, new):
    execute(
        connection,
        f"UPDATE {CHANGES} SET sequence = ? WHERE account_sid = ? AND sequence = ?",
        [new, CHILD["sid"], sequence],
    )


@pytest.mark.parametrize("first, second", [(1, 2), (2, 5), (5, LENGTH)])
def test_reordering_of_changes_is_found(trail, first, second):
    for old, new in ((first, 99), (second, first), (99, second)):
        renumber(trail, old, new)
    faults = find_faults()
    assert {f"{OF_CHILD}change {each} was changed" for each in (first, second)} <= set(faults)


def test_closing_of_a_gap_is_found(trail):
    delete_change(trail, 3)
    for sequence in range(4, LENGTH + 1):
        renumber(trail, sequence, sequence - 1)
    assert f"{OF_CHILD}change 3 was changed" in find_faults()


def read_change(connection, sequence):
    query = f"SELECT * FROM {CHANGES} WHERE account_sid = ? AND sequence = ?"
    (row,) = execute(connection, query, [CHILD["sid"], sequence])
    return list(row)


def delete_change(connection, sequence):
    query = f"DELETE FROM {CHANGES} WHERE account_sid = ? AND sequence = ?"
    execute(connection, query, [CHILD["sid"], sequence])


def insert_change(connection, row):
    """Add a row whose own hash is right."""
    row[-1] = hash_of(row[:-1])
    places = ", ".join("?" * len(row))
    execute(connection, f"INSERT INTO {CHANGES} VALUES ({places})", row)


def test_appended_change_is_found(trail):
    row = read_change(trail, LENGTH)
    row[COLUMNS.index("sequence")] += 1
    row[COLUMNS.index("previous_hash")] = row[-1]
    insert_change(trail, row)
    assert find_faults() == [f"{OF_CHILD}the head ends it with change 6, but there is a change 7"]


def test_replaced_change_is_found(trail):
    row = read_change(trail, 3)
    delete_change(trail, 3)
    row[COLUMNS.index("operator")] = "nobody"
    insert_change(trail, row)
    assert find_faults() == [f"{OF_CHILD}change 4 does not follow the one before it"]


def test_replaced_last_change_is_found(trail):
    row = read_change(trail, LENGTH)
    delete_change(trail, LENGTH)
    row[COLUMNS.index("operator")] = "nobody"
    insert_change(trail, row)
    assert find_faults() == [f"{OF_CHILD}the head has another hash than change 6"]


def test_missing_head_is_found(trail):
    execute(trail, f"DELETE FROM {HEADS} WHERE account_sid = ?", [CHILD["sid"]])
    assert find_faults() == [f"{OF_CHILD}the head is missing"]


def test_removal_of_a_whole_chain_is_found_by_an_older_export(trail):
    """Alone the tables cannot show it, nor a chain that was written anew as a whole."""
    rows = execute(trail, f"SELECT account_sid, sequence, hash FROM {CHANGES}")
    for table in (CHANGES, HEADS):
        execute(trail, f"DELETE FROM {table} WHERE account_sid = ?", [STRANGER["sid"]])
    assert find_faults() == []
    assert find_faults(rows) == [f"{STRANGER['sid']}: change 1 is not in the trail any more"]


def test_rewritten_chain_is_found_by_an_older_export(trail):
    rows = execute(trail, f"SELECT account_sid, sequence, hash FROM {CHANGES}")
    row = read_change(trail, LENGTH)
    delete_change(trail, LENGTH)
    row[COLUMNS.index("operator")] = "nobody"
    insert_change(trail, row)
    execute(trail, f"UPDATE {HEADS} SET hash = ? WHERE account_sid = ?", [row[-1], CHILD["sid"]])
    assert find_faults() == []
    assert find_faults(rows) == [f"{OF_CHILD}change 6 differs from the export"]


def test_verify_says_which_and_ends_with_1(trail, database_url):
    assert succeed("audit", "verify", DATABASE_URL=database_url) == "7 changes, nothing wrong\n"
    execute(
        trail,
        f"UPDATE {CHANGES} SET operator = 'x' WHERE account_sid = ? AND sequence = 2",
        [CHILD["sid"]],
    )
    code, output, errors = run("audit", "verify", DATABASE_URL=database_url)
    assert (code, output, errors) == (1, f"{OF_CHILD}change 2 was changed\n", "")


def test_hash_is_the_one_that_the_documentation_defines(trail):
    row = read_change(trail, 1)
    assert row[COLUMNS.index("previous_hash")] == "restcomm-apps"
    assert re.fullmatch("[0-9a-f]{64}", row[-1])
    assert row[-1] == hash_of(row[:-1])
