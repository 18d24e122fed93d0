"""An Airflow for each test with simulated runners: what one does to its servers is not what the next one measures."""

from collections.abc import Iterator

import pytest

from tests.swarm.measure import Swarm, Topology, swarm

AT_ONCE = 40


@pytest.fixture
def swarming() -> Iterator[Swarm]:
    """One scheduler, one API server, Postgres; forty runners at once, as ``settings.env`` has them."""
    with swarm(Topology(AT_ONCE)) as started:
        yield started
