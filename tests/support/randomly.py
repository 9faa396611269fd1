"""How hypothesis runs a test of a whole service."""

from hypothesis import HealthCheck, settings

from .scale import ARE_EXAMPLES_THE_SAME, EXAMPLES

RANDOMLY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=ARE_EXAMPLES_THE_SAME,
    suppress_health_check=list(HealthCheck),
)
