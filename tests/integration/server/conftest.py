"""An Airflow whose API server has Airflow's own small pool of connections: what is shown there holds with any."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import FULL, PARSED_ONCE

DAGS = Path(__file__).parent / "dags"
RUNNERS = 40 if FULL else 20
"""Real ones at once: more than the pool has connections."""
DEFAULT_POOL = {
    **PARSED_ONCE,
    "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "5",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "10",
}


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    with Embedded(dags=DAGS, parallelism=RUNNERS + 1, env=DEFAULT_POOL) as embedded:
        for dag_id in ("asleep", "crowd", "plain", "twice"):
            embedded.api.wait_for_dag(dag_id)
        yield embedded
