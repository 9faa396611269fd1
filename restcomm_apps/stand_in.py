"""A thread that looks after a loop while the loop's own thread is away at something long.

So that the own thread may do the many short things of a server itself, without handing each to
another thread. No server is known here.
"""

import threading
import time

# How long the loop may be left alone.
PATIENCE = 0.005  # seconds


class StandIn(threading.Thread):
    """Goes round a loop instead of its own thread, the one that has made this.

    ``go_round()`` goes round it once, ``wake()`` ends a wait in it. While ``is_on``, the loop is
    this thread's.
    """

    def __init__(self, go_round, wake):
        super().__init__(name="stand-in", daemon=True)
        self.is_on = False
        self._go_round, self._wake = go_round, wake
        self._loop = threading.Lock()
        self._loop.acquire()
        self._times_left = 0
        self._is_away = False
        self._rests = False
        self._bell = threading.Event()

    def cover(self, function, *arguments):
        """Run a function in the loop's own thread; if it takes long, the loop goes on meanwhile."""
        self._is_away = True
        self._times_left += 1
        if self._rests:
            self._bell.set()
        self._loop.release()
        try:
            function(*arguments)
        finally:
            self._is_away = False
            if not self._loop.acquire(blocking=False):
                self._wake()
                self._loop.acquire()

    def run(self):
        """Look from time to time whether the loop has been left alone for long."""
        while True:
            times_left = self._times_left
            time.sleep(PATIENCE)
            if times_left != self._times_left:
                continue
            if self._is_away:
                self._take_over()
            else:
                self._rest(times_left)

    def _take_over(self):
        with self._loop:
            self.is_on = True
            try:
                while self._is_away:
                    self._go_round()
            finally:
                self.is_on = False

    def _rest(self, times_left):
        """Sleep until the loop is left alone again."""
        self._bell.clear()
        self._rests = True
        # Else it has been left before it could know that the bell is to be rung.
        if times_left == self._times_left:
            self._bell.wait()
        self._rests = False
