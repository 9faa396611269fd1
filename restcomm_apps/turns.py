"""Requests that take turns in one thread: each runs until it ends or gives way to others.

Threads would take turns as well, but handing Python's lock from one to the other costs more than
all that a short request does.
"""

from greenlet import getcurrent, greenlet


class Turns:
    """Runs functions in the thread that has made it, one at a time.

    ``waiting`` holds those that gave way, the first one first, ``idle`` those that have ended.
    """

    def __init__(self):
        self.waiting = []
        self.idle = []

    def begin(self, function, *arguments):
        """Run a function until it ends or gives way. Raises what it raises."""
        turn = self.idle.pop() if self.idle else _Turn(self)
        turn.switch(function, arguments)

    def go_on(self):
        """Run all that gave way, in their order, until they end or give way again."""
        turns, self.waiting = self.waiting, []
        for turn in turns:
            turn.switch()


class _Turn(greenlet):
    """A greenlet that is kept for the next function: making one is dear, as it maps memory."""

    def __init__(self, turns):
        super().__init__()
        self.turns = turns
        # What a greenlet is begun with it keeps to its end.
        self.switch()

    def run(self):
        """Run one function after the other, each as it comes when this turn is taken."""
        while True:
            function, arguments = self.parent.switch()
            function(*arguments)
            # So that an idle turn keeps no connection.
            function = arguments = None
            self.turns.idle.append(self)


def give_way():
    """Let other requests of this thread begin or go on first, where they take turns."""
    turn = getcurrent()
    if isinstance(turn, _Turn):
        turn.turns.waiting.append(turn)
        turn.parent.switch()
