"""Requests that take turns in one thread, and changes of theirs that share a commit."""

import threading
import weakref
from contextvars import ContextVar

import pytest

from restcomm_apps.database import database
from restcomm_apps.turns import Turns, give_way

from .rows import CHILD

LIST = f"/Accounts/{CHILD['sid']}/Applications"

caller = ContextVar("caller")


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def steps():
    return []


def walk(steps, name, ways=1):
    """Give way some times, noting each step."""
    for number in range(ways):
        steps.append(f"{name}{number}")
        give_way()
    steps.append(f"{name}.")


def test_each_runs_until_it_gives_way(turns, steps):
    for name, ways in (("a", 2), ("b", 0), ("c", 1)):
        turns.begin(walk, steps, name, ways)
    assert steps == ["a0", "b.", "c0"]
    assert len(turns.waiting) == 2
    turns.go_on()
    assert steps[3:] == ["a1", "c."]
    turns.go_on()
    assert steps[5:] == ["a."]
    assert turns.waiting == []


def test_the_next_may_begin_while_others_wait(turns, steps):
    turns.begin(walk, steps, "a")
    turns.go_on()
    turns.begin(walk, steps, "b", 2)
    turns.begin(walk, steps, "c")
    turns.go_on()
    turns.begin(walk, steps, "d")
    turns.go_on()
    assert steps == ["a0", "a.", "b0", "c0", "b1", "c.", "d0", "b.", "d."]


def test_each_has_its_own_context(turns, steps):
    def call(name):
        caller.set(name)
        give_way()
        steps.append((name, caller.get()))

    for name in "abc":
        turns.begin(call, name)
    turns.go_on()
    assert steps == [("a", "a"), ("b", "b"), ("c", "c")]
    with pytest.raises(LookupError):
        caller.get()


def test_what_one_raises_reaches_whoever_lets_it_run(turns, steps):
    def fail(ways):
        walk(steps, "f", ways)
        raise ValueError(ways)

    with pytest.raises(ValueError):
        turns.begin(fail, 0)
    turns.begin(fail, 1)
    with pytest.raises(ValueError):
        turns.go_on()
    turns.begin(walk, steps, "a")
    turns.go_on()
    assert steps[-2:] == ["a0", "a."]


def test_idle_turn_keeps_nothing(turns, steps):
    class Connection:
        pass

    connection = Connection()
    kept = weakref.ref(connection)
    turns.begin(lambda told: steps.append(told is kept()), connection)
    del connection
    assert steps == [True]
    assert kept() is None


def test_nobody_gives_way_outside_of_turns(turns, steps):
    turns.begin(walk, steps, "a")
    walk(steps, "b")
    thread = threading.Thread(target=walk, args=(steps, "c"))
    thread.start()
    thread.join()
    assert steps == ["a0", "b0", "b.", "c0", "c."]


@pytest.mark.sqlite
def test_creates_share_a_commit(service, turns):
    replies, statements = [], []

    def create(name, kind):
        form = {"FriendlyName": name, "Kind": kind}
        replies.append(service.request("POST", LIST, CHILD, data=form).status_code)

    database.connection().set_trace_callback(statements.append)
    turns.begin(create, "a", "voice")
    turns.begin(create, "b", "fax")
    turns.begin(create, "c", "sms")
    assert replies == [400]
    assert len(turns.waiting) == 2
    turns.go_on()
    database.connection().set_trace_callback(None)
    assert replies == [400, 200, 200]
    assert statements.count("COMMIT") == 1
    listed = service.request("GET", LIST + ".json", CHILD).json
    assert {"a", "c"} <= {application["friendly_name"] for application in listed}
