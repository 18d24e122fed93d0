"""One Airflow for the tests with simulated runners."""

from collections.abc import Iterator

import pytest

from tests.swarm.measure import Swarm, Topology, swarm

AT_ONCE = 40


@pytest.fixture(scope="package")
def swarming() -> Iterator[Swarm]:
    """One scheduler, one API server, Postgres; forty runners at once, as ``settings.env`` has them."""
    with swarm(Topology(AT_ONCE)) as started:
        yield started
