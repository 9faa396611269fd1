"""A gunicorn worker: in which thread, and in what order, requests are answered.

Where ``answers_in_loop``, the loop's own thread answers what has come, each time it has gone round:
handing a request to another thread, and Python's lock back and forth, takes longer than most
requests. Those that may change something let the others that have come begin first, so that they
share a commit. What takes long leaves the loop, and all that has come, to a stand-in; that hands
requests to the threads of a pool, as a worker does that does not answer in its loop.

How requests come and replies go is in ``client_loop``.
"""

from collections import deque
from functools import partial

from .client_loop import ClientLoop
from .stand_in import StandIn
from .turns import Turns

# Requests that may wait for others to begin.
MOST_IN_TURNS = 32

# What requests begin with that may change something.
_CHANGES = (b"POST ", b"PUT ", b"PATCH ", b"DELETE ")


class PatientWorker(ClientLoop):
    """A worker whose clients may take their time; see the module."""

    # For an application that as a rule waits for nothing but its own processor and disk.
    answers_in_loop = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._turns = Turns()
        self._stand_in = None
        # Connections whose request has come.
        self._come = deque()
        # One for each task of the pool that has not begun.
        self._tasks = deque()

    def run(self):
        """Go round the loop until told to end."""
        if self.answers_in_loop:
            self._stand_in = StandIn(self._go_round, partial(self.method_queue.defer, lambda: None))
            self._stand_in.start()
        super().run()

    # In the loop, in whichever thread goes round it.

    def have_answered(self, connection):
        """Have a request answered: by the pool, or in the loop once all that have come are here."""
        if self._stand_in is None or self._stand_in.is_on:
            self._come.append(connection)
            self._hand_out()
        elif _may_change(connection):
            self._come.append(connection)
        else:
            # Before what may change something, as that waits for others anyway.
            self._come.appendleft(connection)

    def _hand_out(self):
        """Have the pool answer all that have come."""
        while len(self._tasks) < len(self._come):
            self._tasks.append(None)
            self.tpool.submit(self._answer_in_pool)

    # In the loop's own thread.

    def wait_for_and_dispatch_events(self, timeout):
        """Wait for events, do what they ask for, and answer all that have come."""
        super().wait_for_and_dispatch_events(timeout)
        if self._stand_in is None:
            return
        self._answer_in_loop()
        while self._turns.waiting:
            super().wait_for_and_dispatch_events(0)
            if not self._come:
                self._stand_in.cover(self._turns.go_on)
            self._answer_in_loop()

    def _answer_in_loop(self):
        """Answer all that have come; what takes long leaves those behind it to the stand-in."""
        while (connection := self._take_next()) is not None:
            if _may_change(connection) and len(self._turns.waiting) < MOST_IN_TURNS:
                self._stand_in.cover(self._turns.begin, self._answer, connection)
            elif self._turns.waiting:
                # Not to be waited for by what gave way, or it may be a list of any length.
                self._come.appendleft(connection)
                self._stand_in.cover(self._turns.go_on)
            else:
                self._stand_in.cover(self._answer, connection)

    # In the stand-in's thread.

    def _go_round(self):
        """Go round the loop once, as gunicorn's ``run`` does; if it fails the worker ends, too."""
        try:
            self.notify()
            self.set_accept_enabled(self.alive and self.nr_conns < self.worker_connections)
            self._hand_out()
            super().wait_for_and_dispatch_events(1.0)
            self.murder_pending()
        except BaseException:
            self.alive = False
            raise

    # In the loop's own thread or in one of the pool.

    def _take_next(self):
        try:
            return self._come.popleft()
        except IndexError:
            return None

    def _answer_in_pool(self):
        self._tasks.pop()
        connection = self._take_next()
        # Another thread may have come first.
        if connection is not None:
            self._answer(connection)

    def _answer(self, connection):
        connection.goes_on = False
        try:
            connection.goes_on = self.handle(connection)
        except Exception:
            self.log.exception("Request from %s failed outside the application", connection.client)
        finally:
            self.hand_back(connection)

    def handle(self, conn):
        """Answer a request that has come; tell whether the connection goes on."""
        goes_on = super().handle(conn)
        try:
            conn.flush()
        except OSError as gone:
            self.log.debug("%s did not wait for its answer: %s", conn.client, gone)
            return False
        # Where the next request begins is known only where both agree on where this one ends.
        return goes_on and not conn.fell_short

    def handle_request(self, req, conn):
        """Answer a request; where the next one would begin is unknown after a body that is cut."""
        if conn.arrival.is_cut:
            req.force_close()
        return super().handle_request(req, conn)


def _may_change(connection):
    """Tell whether a connection's request may change something."""
    return connection.arrival.octets.startswith(_CHANGES)
