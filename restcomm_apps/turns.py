"""Requests that take turns in one thread: each runs until it ends or gives way to others.

Threads would take turns as well, but handing Python's lock from one to the other costs more than
all that a short request does.
"""

from greenlet import getcurrent, greenlet


class Turns:
    """Runs functions in the thread that has made it, one at a time.

    ``waiting`` holds those that gave way, the first one first.
    """

    def __init__(self):
        self.waiting = []
        self._idle = []

    def begin(self, function, *arguments):
        """Run a function until it ends or gives way. Raises what it raises."""
        turn = self._idle.pop() if self._idle else _Turn(self)
        turn.switch(function, arguments)

    def go_on(self):
        """Run all that gave way, in their order, until they end or give way again."""
        turns, self.waiting = self.waiting, []
        for turn in turns:
            turn.switch()

    def give_way(self, turn):
        """Leave a turn, the one that runs, to go on later."""
        self.waiting.append(turn)
        turn.parent.switch()

    def rest(self, turn):
        """Leave a turn that has ended, and give it the next function and its arguments."""
        self._idle.append(turn)
        return turn.parent.switch()


class _Turn(greenlet):
    """A greenlet that is kept for the next function: making one is dear, as it maps memory."""

    def __init__(self, turns):
        super().__init__()
        self.turns = turns

    def run(self, function, arguments):
        """Run a function, and then each that comes when this turn is taken again."""
        while True:
            function(*arguments)
            function, arguments = self.turns.rest(self)


def give_way():
    """Let other requests of this thread begin or go on first, where they take turns."""
    turn = getcurrent()
    if isinstance(turn, _Turn):
        turn.turns.give_way(turn)
