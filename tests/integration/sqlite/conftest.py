"""What ``airflow standalone`` gives: SQLite, which has no row locks, and one scheduler. One Airflow for growth and steps."""

from collections.abc import Iterator

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import WATCHFUL, copied
from tests.integration.steps.conftest import DAGS, DEADLY, record, start

__all__ = ["airflow", "record", "start"]


@pytest.fixture(scope="package")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    dags = [copied(tmp_path_factory.mktemp("sqlite") / "growth", trees=2), DAGS]
    with Embedded(dags=dags, database="sqlite", parallelism=4, env={**WATCHFUL, **DEADLY}) as embedded:
        for job in ("tree", "stages"):
            embedded.api.wait_for_dag(job)
        yield embedded
