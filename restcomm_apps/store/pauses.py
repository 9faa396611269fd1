"""Long work in a process that serves others: it gives way to them from time to time."""

import threading
import time
from collections import deque

# How long one goes on before others have a turn.
SECONDS_TO_ONESELF = 0.005
# What lets all others have one turn, where threads are greenlets: so short that it is over once
# their loop has looked for events. Of 0 it would not look.
ONE_TURN = 1e-9

# A lock for each that waits; the first one's owner has the turn. One lock for all would go to
# whoever comes when it is free, and keep those waiting that came before. Of the process, not of a
# store: the line is for the time of the one thread in which all of its applications run.
_line: deque[threading.Lock] = deque()


def wait_in_line() -> None:
    """Let others have a turn, behind all that wait here: of long work one piece is done a turn.

    Else as much of it as there is would come between two turns of those who want little.
    """
    own = threading.Lock()
    own.acquire()
    _line.append(own)
    if _line[0] is not own:
        own.acquire()  # Until the one before hands over.
    try:
        time.sleep(ONE_TURN)
    finally:
        _line.popleft()
        if _line:
            _line[0].release()


class Pace:
    """A piece of long work, which began when this was made."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def give_way(self) -> None:
        """Let others have a turn, if it has gone on for long."""
        if time.monotonic() - self._since > SECONDS_TO_ONESELF:
            wait_in_line()
            self._since = time.monotonic()
