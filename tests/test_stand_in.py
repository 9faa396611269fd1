"""A loop that goes on in another thread while its own is away for long."""

import queue
import threading

import pytest

from restcomm_apps.stand_in import StandIn

from .soak.load import wait_until


class Loop:
    """A loop that does what is put into a queue, and the threads that went round it."""

    def __init__(self):
        self.tasks = queue.Queue()
        self.threads = []
        self.stand_in = StandIn(self.go_round, lambda: self.tasks.put(lambda: None))
        self.stand_in.start()

    def go_round(self):
        """Wait for a task and do it."""
        task = self.tasks.get(timeout=30)
        self.threads.append(threading.current_thread())
        task()

    def be_away(self, error=None):
        """Wait elsewhere until the loop, which must go round for that, has done a task."""
        told = threading.Event()

        def wait():
            self.tasks.put(told.set)
            assert told.wait(30), "the loop stands still"
            if error is not None:
                raise error

        self.stand_in.cover(wait)


@pytest.fixture
def loop():
    return Loop()


def test_loop_goes_on_while_its_thread_is_away(loop):
    loop.be_away()
    assert set(loop.threads) == {loop.stand_in}


def test_loop_is_its_own_threads_afterwards(loop):
    for _ in range(3):
        loop.be_away()
        assert not loop.stand_in.is_on
        # The stand-in may have gone round once more to be woken.
        while not loop.tasks.empty():
            loop.go_round()
        loop.tasks.put(lambda: None)
        loop.go_round()
        assert loop.threads[-1] is threading.current_thread()


def test_stand_in_looks_again_after_a_rest(loop):
    wait_until(lambda: loop.stand_in._rests, "the stand-in to rest")
    loop.be_away()
    wait_until(lambda: loop.stand_in._rests, "the stand-in to rest")
    loop.be_away()
    assert set(loop.threads) == {loop.stand_in}


def test_error_is_raised_once_the_loop_is_taken_back(loop):
    with pytest.raises(ValueError):
        loop.be_away(ValueError())
    assert not loop.stand_in.is_on
    loop.be_away()
