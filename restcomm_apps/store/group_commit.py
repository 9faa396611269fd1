"""Group commit: changes that wait for each other are committed together, on disk at once.

A commit that must be on disk takes longer than all else in a short transaction, and there is one
writer at a time. Whoever's turn it is runs what all requests of the process wait for in one
transaction. No database is known here.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class TurnNotCome(Exception):
    """A function was not run because others took too long."""


class GroupCommit:
    """Runs functions in transactions of a database that has one writer at a time.

    ``transaction()`` makes a context that begins one and commits or undoes it. A function waits up
    to ``timeout`` seconds for those before it. ``give_way()`` lets other requests of the same
    thread come to wait too.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[None]],
        timeout: float,
        give_way: Callable[[], None],
    ) -> None:
        self._transaction, self._timeout, self._give_way = transaction, timeout, give_way
        self._guard = threading.Lock()
        self._waiting: list[_Job[Any]] = []
        self._is_led = False

    def run(self, function: Callable[[], T]) -> T:
        """Run a function in a transaction and return what it returns, once that is committed.

        It may run in another thread, but with this one's context variables, and more than once.
        Raises what it raises, which undoes it alone, what the transaction raises, and TurnNotCome.
        """
        job = _Job(function)
        with self._guard:
            self._waiting.append(job)
        self._give_way()
        with self._guard:
            job.leads = job in self._waiting and not self._is_led
            job.blocks = not job.leads
            self._is_led |= job.leads
        if not job.leads:
            self._wait_for(job)
        if job.leads:
            self._lead()
        return job.outcome()

    def _wait_for(self, job: "_Job[Any]") -> None:
        if job.woken.acquire(timeout=self._timeout):
            return
        with self._guard:
            if job in self._waiting and not job.leads:
                self._waiting.remove(job)
                raise TurnNotCome()
        # It runs, or has just been told to lead.
        job.woken.acquire()

    def _lead(self) -> None:
        """Run all that wait, then let the first thread that has come to wait meanwhile lead."""
        with self._guard:
            jobs, self._waiting = self._waiting, []
        try:
            self._run(jobs)
        finally:
            with self._guard:
                following = [job for job in self._waiting if job.blocks][:1]
                self._is_led = bool(following)
                for job in following:
                    job.leads = True
            for job in following + jobs:
                job.woken.release()

    def _run(self, jobs: "list[_Job[Any]]") -> None:
        """Run them in one transaction; if anything fails in it, each in its own."""
        has_begun = False
        try:
            with self._transaction():
                has_begun = True
                results = [job.call() for job in jobs]
        except Exception as error:
            if has_begun and len(jobs) > 1:
                for job in jobs:
                    self._run([job])
                return
            for job in jobs:
                job.error = error
        else:
            for job, result in zip(jobs, results):
                job.finish(result)


class _Job(Generic[T]):
    """A function that a request waits for, and its outcome.

    ``leads`` says that its thread is to run it and all others that wait, ``blocks`` that its thread
    does nothing but wait for that or for ``woken``. ``error`` is raised where there is no result.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function, self._context = function, copy_context()
        self.leads = self.blocks = False
        self.woken = threading.Lock()
        self.woken.acquire()
        # Empty until it is finished.
        self._results: list[T] = []
        # Of one that an interrupt has kept from being run.
        self.error: Exception = TurnNotCome()

    def call(self) -> T:
        """Run the function in the context of the thread that waits for it."""
        return self._context.run(self._function)

    def finish(self, result: T) -> None:
        """Have ``outcome`` return this."""
        self._results = [result]

    def outcome(self) -> T:
        """Return what the function returned, or raise why it has not."""
        if not self._results:
            raise self.error
        return self._results[0]
