"""What ``airflow standalone`` gives: SQLite, which has no row locks, and one scheduler. One Airflow for growth and steps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import WATCHFUL, copied
from tests.integration.steps.conftest import DAGS, DEADLY, Record, Start


@pytest.fixture(scope="package")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    dags = [copied(tmp_path_factory.mktemp("sqlite") / "growth", trees=2), DAGS]
    with Embedded(dags=dags, database="sqlite", parallelism=4, env={**WATCHFUL, **DEADLY}) as embedded:
        for job in ("tree", "stages"):
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "record.jsonl")


@pytest.fixture
def start(airflow: Embedded, record: Record) -> Start:
    """Start a run of a job of stages."""

    def trigger(job: str, *subtasks: Json) -> str:
        return airflow.api.trigger(job, {"subtasks": list(subtasks), "record": str(record.path)})

    return trigger
