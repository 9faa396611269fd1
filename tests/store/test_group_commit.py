"""Transactions that share a commit, on a real SQLite file."""

import sqlite3
import threading
from contextlib import contextmanager
from contextvars import ContextVar

import peewee
import pytest

from restcomm_apps.store import sqlite as sqlite_database
from restcomm_apps.store.engines import make_database
from restcomm_apps.store.group_commit import GroupCommit, TurnNotCome
from restcomm_apps.store.urls import parse

from ..support.together import wait_until

pytestmark = pytest.mark.sqlite

LOCKED = "database is locked"

caller = ContextVar("caller")


class Group:
    """A GroupCommit on a table of names, and how many transactions it has tried and begun."""

    def __init__(self, path, timeout=30):
        self.database = make_database(parse(f"sqlite:///{path}"))
        self.database.execute_sql("CREATE TABLE names (name TEXT PRIMARY KEY)")
        self.tried = self.begun = 0
        # Set while those that come to wait need not give way to others.
        self.is_quiet = threading.Event()
        self.is_quiet.set()
        self.group = GroupCommit(self._transaction, timeout, self.is_quiet.wait)
        self.outcomes = {}
        self._threads = []

    @contextmanager
    def _transaction(self):
        self.tried += 1
        with self.database.atomic():
            self.begun += 1
            yield

    def add(self, name):
        """Insert a name; to be run in a transaction."""
        self.database.execute_sql("INSERT INTO names VALUES (?)", (name,))
        return f"{name} added for {caller.get()}"

    def run(self, name, function):
        """Run a function in a transaction, with ``name`` as its caller."""
        caller.set(name)
        try:
            self.outcomes[name] = self.group.run(function)
        except BaseException as error:
            self.outcomes[name] = error

    def start(self, name, function):
        """Run a function in a transaction of a new thread."""

        def run():
            self.run(name, function)
            self.database.close()

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def hold(self, first):
        """Run ``first`` in a transaction that does not end before the event that this returns."""
        runs, may_end = threading.Event(), threading.Event()

        def held():
            runs.set()
            assert may_end.wait(30)
            return first()

        self.start("first", held)
        assert runs.wait(30)
        return may_end

    def start_all_behind(self, first, others):
        """Run ``first``, and while it runs have the others come to wait, {name: function}."""
        may_end = self.hold(first)
        for name, function in others.items():
            self.start(name, function)
        wait_until(lambda: len(self.group._waiting) == len(others), "all to wait")
        may_end.set()

    def join(self):
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def names(self):
        """Give the names in the table."""
        return {name for (name,) in self.database.execute_sql("SELECT name FROM names")}


@pytest.fixture
def make_group(tmp_path):
    groups = []

    def make(**options):
        groups.append(Group(tmp_path / "names.db", **options))
        return groups[-1]

    yield make
    for group in groups:
        group.database.close()


@pytest.fixture
def group(make_group):
    return make_group()


def adding(group, *names):
    return {name: (lambda name=name: group.add(name)) for name in names}


def test_those_that_wait_share_one_commit(group):
    group.start_all_behind(lambda: group.add("first"), adding(group, "a", "b", "c"))
    group.join()
    assert group.names() == {"first", "a", "b", "c"}
    assert group.begun == 2


def test_each_runs_with_its_own_context(group):
    group.start_all_behind(lambda: group.add("first"), adding(group, "a", "b"))
    group.join()
    assert group.outcomes == {name: f"{name} added for {name}" for name in ("first", "a", "b")}


def test_one_that_fails_fails_alone(group):
    others = adding(group, "a", "b", "c") | {"again": lambda: group.add("first")}
    group.start_all_behind(lambda: group.add("first"), others)
    group.join()
    assert group.names() == {"first", "a", "b", "c"}
    assert isinstance(group.outcomes["again"], peewee.IntegrityError)
    assert group.outcomes["c"] == "c added for c"


def test_what_a_failed_one_has_done_is_undone(group):
    def add_two():
        group.add("half")
        group.add("first")

    group.start_all_behind(lambda: group.add("first"), adding(group, "a") | {"two": add_two})
    group.join()
    assert group.names() == {"first", "a"}


def test_one_whose_turn_does_not_come_is_not_run(make_group):
    group = make_group(timeout=0.05)

    def wait_for_others():
        wait_until(lambda: len(group.outcomes) == 2, "the others to give up")

    group.start_all_behind(wait_for_others, adding(group, "a", "b"))
    group.join()
    assert {type(group.outcomes[name]) for name in ("a", "b")} == {TurnNotCome}
    assert group.names() == set()
    group.start("later", lambda: group.add("later"))
    group.join()
    assert group.names() == {"later"}


def test_foreign_lock_is_waited_for_once_not_by_each(group, monkeypatch):
    monkeypatch.setattr(sqlite_database, "LOCK_TIMEOUT", 1)
    foreign = sqlite3.connect(group.database.database, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    group.start("first", lambda: group.add("first"))
    wait_until(lambda: group.tried == 1, "a transaction that waits for the foreign one")
    for name, function in adding(group, "a", "b", "c").items():
        group.start(name, function)
    group.join()
    assert [str(group.outcomes[name]) for name in ("first", "a", "b", "c")] == 4 * [LOCKED]
    assert (group.tried, group.begun) == (2, 0)
    foreign.execute("ROLLBACK")
    foreign.close()
    group.start("later", lambda: group.add("later"))
    group.join()
    assert group.names() == {"later"}


def test_an_interrupt_leaves_the_turn_to_others(group):
    def interrupt():
        raise KeyboardInterrupt

    group.start_all_behind(interrupt, adding(group, "a", "b"))
    group.join()
    assert isinstance(group.outcomes["first"], KeyboardInterrupt)
    assert group.names() == {"a", "b"}


def start_giving_way(group, *names):
    """Run functions that each add a name, until all have given way to each other."""
    group.is_quiet.clear()
    for name, function in adding(group, *names).items():
        group.start(name, function)
    wait_until(lambda: len(group.group._waiting) == len(names), "all to give way")


def test_those_that_give_way_share_one_commit(group):
    start_giving_way(group, "a", "b", "c")
    assert group.begun == 0
    group.is_quiet.set()
    group.join()
    assert group.names() == {"a", "b", "c"}
    assert group.begun == 1
    assert group.outcomes["b"] == "b added for b"


def test_one_of_those_that_give_way_fails_alone(group):
    group.database.execute_sql("INSERT INTO names VALUES ('b')")
    start_giving_way(group, "a", "b", "c")
    group.is_quiet.set()
    group.join()
    assert group.names() == {"a", "b", "c"}
    assert isinstance(group.outcomes["b"], peewee.IntegrityError)
