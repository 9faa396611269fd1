"""Waiting for a condition, and doing many things at the same time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor


def wait_until(condition, what, seconds=30):
    """Wait for a condition; fail if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def run_together(count, work):
    """Call ``work(number)`` in ``count`` threads that start together; give the results in order.

    An exception of any of them is raised once all have ended.
    """
    barrier = threading.Barrier(count)

    def start(number):
        barrier.wait(60)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def call_together(functions):
    """Call functions in threads that start together; give what they return."""
    return run_together(len(functions), lambda number: functions[number]())
