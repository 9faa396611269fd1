"""How long the long runs take, and on how much; read from the environment here and nowhere else.

SCALE is "full", or "ci", the short form that meets the same things less often; without it, in
"make test", only EXAMPLES is looked at. A variable of a size's own name wins over both.
"""

import os

_SCALE = os.environ.get("SCALE")
assert _SCALE in (None, "full", "ci"), f"SCALE={_SCALE} is neither full nor ci"


def _size(name, full, ci):
    return int(os.environ.get(name, ci if _SCALE == "ci" else full))


# Of random requests, for each test that makes them.
EXAMPLES = _size("EXAMPLES", full=20_000 if _SCALE else 500, ci=2000)
# Where a run is short, the same examples each time.
ARE_EXAMPLES_THE_SAME = _SCALE is None and "EXAMPLES" not in os.environ

KILLS = _size("SOAK_KILLS", full=20, ci=8)
SIGNALS = _size("SOAK_SIGNALS", full=20, ci=3)
CREATES = _size("SOAK_CREATES", full=200, ci=200)
CHANGES = _size("SOAK_CHANGES", full=10_000, ci=10_000)
SECONDS = _size("SOAK_SECONDS", full=20, ci=8)
CLIENTS = _size("SOAK_CLIENTS", full=16, ci=16)
ABUSE_SECONDS = _size("SOAK_ABUSE_SECONDS", full=10, ci=3)
# Beside bulks: a bulk lasts longer than the short form of the others.
BULK_SECONDS = _size("SOAK_BULK_SECONDS", full=10, ci=10)
SLOW_CLIENTS = _size("SOAK_SLOW_CLIENTS", full=500, ci=500)
CLUSTER_SECONDS = _size("SOAK_CLUSTER_SECONDS", full=60, ci=20)
STREAMS_BEHIND_PROXIES = _size("SOAK_STREAMS", full=300, ci=30)
APPLICATIONS = _size("SOAK_APPLICATIONS", full=100_000, ci=20_000)
