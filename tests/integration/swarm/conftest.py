"""One Airflow for the tests with simulated runners. The first one finds it whole; the others do harm to its servers."""

from collections.abc import Iterator

import pytest

from tests.integration.growth.conftest import WATCHFUL
from tests.sizes import patient
from tests.swarm.measure import Swarm, Topology, swarm

AT_ONCE = 40
# The recommended time limit of a request: a busy machine needs it longer.
PATIENT = {"AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": f"{patient(30):.0f}"}


@pytest.fixture(scope="package")
def swarming() -> Iterator[Swarm]:
    """One scheduler, one API server, Postgres; forty runners at once. A scheduler that ends takes them with it."""
    with swarm(Topology(AT_ONCE, env={**WATCHFUL, **PATIENT})) as started:
        yield started
