"""Many runners at once, each of which enqueues one subtask after the other; also when servers end meanwhile."""

import pytest

from tests.integration.swarm.conftest import AT_ONCE
from tests.sizes import FULL, patient
from tests.swarm.faults import kills, restarts
from tests.swarm.figures import Measured
from tests.swarm.load import Load
from tests.swarm.measure import Swarm

LIMIT = 3000 if FULL else 400
TIMEOUT = LIMIT + 200
KIDS = 8 if FULL else 4
LOAD = Load(AT_ONCE, KIDS)
SMALL = LOAD if FULL else Load(12, KIDS)
"""Of the tests in which servers end: a start takes its time."""


def check(found: Measured) -> None:
    assert found.state == "success", f"{found}"
    assert found.lost == (), f"{found}"
    assert found.doubled == (), f"{found}"


@pytest.mark.timeout(TIMEOUT)
def test_many_runners_enqueue_at_once(swarming: Swarm) -> None:
    found = swarming.measure(LOAD, patient(LIMIT))
    assert found.wanted == AT_ONCE * (1 + KIDS)
    check(found)
    assert found.told.failed == 0, f"{found}"
    assert found.told.timeouts == 0, f"{found}"
    assert found.told.ends == (), f"{found}"


@pytest.mark.timeout(TIMEOUT)
def test_the_api_server_is_killed_again_and_again(swarming: Swarm) -> None:
    """What was confirmed to a runner is there in the end (``lost``), and nothing twice."""
    times = 20 if FULL else 2
    found = swarming.measure(SMALL, patient(LIMIT), kills(times, SMALL.width * KIDS))
    check(found)
    assert len(found.faults) == times


@pytest.mark.timeout(TIMEOUT)
def test_postgres_is_restarted_twice(swarming: Swarm) -> None:
    found = swarming.measure(SMALL, patient(LIMIT), restarts(2, SMALL.width * KIDS))
    check(found)
    assert found.faults.count("Postgres") == 2
