"""One Airflow for the tests of batches; the work is that of the tests of growth and of steps."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import WATCHFUL, patient_copy

HERE = Path(__file__).parent
WORK = os.pathsep.join(str(HERE.parent / name / "dags") for name in ("growth", "steps"))
Start = Callable[..., str]


@pytest.fixture(scope="package")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    dags = patient_copy(HERE / "dags", tmp_path_factory.mktemp("airflow") / "dags")
    with Embedded(dags=dags, parallelism=6, env={**WATCHFUL, "PYTHONPATH": WORK}) as embedded:
        for job in ("packed", "packed-strict", "packed-patient", "packed-tree", "packed-stages"):
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The file in which the jobs' code notes what it does."""
    return tmp_path / "record.jsonl"


@pytest.fixture
def start(airflow: Embedded, record: Path) -> Start:
    """Start a run of a job whose subtasks are given."""

    def trigger(job: str, *subtasks: Json) -> str:
        return airflow.api.trigger(job, {"subtasks": list(subtasks), "record": str(record)})

    return trigger
