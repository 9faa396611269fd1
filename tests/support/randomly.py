"""How many random examples a test makes; read from the environment here and nowhere else."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("EXAMPLES", "500"))
# Where a run is short, the same examples each time.
RANDOMLY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
