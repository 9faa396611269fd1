"""How many connections each worker process has, in memory that they all share."""

import mmap

_MOST_WORKERS = 64


class Loads:
    """One number a worker, by its age; to be made before the workers are forked."""

    def __init__(self) -> None:
        # One more than the number, 0 where there is no worker.
        self._loads = memoryview(mmap.mmap(-1, 4 * _MOST_WORKERS)).cast("i")

    def set(self, age: int, connections: int | None) -> None:
        """Set the number of connections of a worker, None for one that takes no more."""
        self._loads[age % _MOST_WORKERS] = 0 if connections is None else connections + 1

    def least(self) -> int:
        """Return the least number that any worker has."""
        return min(filter(None, self._loads), default=1) - 1
