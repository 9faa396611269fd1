"""A table of what was measured in turns: ratios first, as only they mean anything.

A machine's speed drifts from minute to minute, but within a round for all alike.
"""

import statistics

from common import Load

Loads = dict[str, list[Load]]


def ratios(loads: Loads) -> dict[str, float]:
    """Return by name the rate of the first over each other's, the median of those within a round.

    ``loads`` are lists by name, with a Load of each round.
    """
    first, *others = loads
    return {
        name: statistics.median(a.rate / b.rate for a, b in zip(loads[first], loads[name]))
        for name in others
    }


def heading(subject: str, names: list[str]) -> str:
    """Write the table's first line: what is compared, ratios, and the figures of this run."""
    over = "".join(f"{f'{names[0]}/{name}':>15}" for name in names[1:])
    run = "".join(f"{f'{name}/s':>10}{'p99 ms':>7}" for name in names)
    return f"{subject:17}{over} |{run}"


def line(subject: str, loads: Loads) -> str:
    """Write a line of the table: the lists of Loads by name, in the order of the heading."""
    over = "".join(f"{ratio:15.2f}" for ratio in ratios(loads).values())
    return f"{subject:17}{over} |{''.join(map(_figures, loads.values()))}"


def _figures(loads):
    rate = statistics.median(load.rate for load in loads)
    tails = [load.p99 for load in loads if load.p99 is not None]
    return f"{rate:10.0f}{f'{statistics.median(tails):.1f}' if tails else '-':>7}"
