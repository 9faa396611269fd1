"""Long work in a process that serves others: it gives way to them from time to time."""

import time

# How long one goes on before others have a turn.
SECONDS_TO_ONESELF = 0.02
# What lets all others have one turn, where threads are greenlets: so short that it is over once their
# loop has looked for events. Of 0 it would not look.
ONE_TURN = 1e-9


class Pace:
    """A piece of long work, which began when this was made."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def give_way(self) -> None:
        """Let others have a turn, if it has gone on for long."""
        if time.monotonic() - self._since > SECONDS_TO_ONESELF:
            time.sleep(ONE_TURN)
            self._since = time.monotonic()
