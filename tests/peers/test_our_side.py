"""The same functions, unchanged, as jobs on a real Airflow; and dag-factory's DAG beside them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.peers.conftest import HERE, environment
from tests.sizes import CALM

ADDED = ("PYTHONPATH", "BROKER", "DO_NOT_TRACK", "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY")
JOBS = ("words_celery", "words_rq", "words_prefect", "words_plain")


@pytest.fixture(scope="module")
def airflow() -> Iterator[Embedded]:
    env = {**CALM, **{name: value for name, value in environment().items() if name in ADDED}}
    with Embedded(dags=HERE / "dags", parallelism=5, env=env) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def runs(airflow: Embedded, folder: Path) -> dict[str, str]:
    for job in (*JOBS, "words_dag_factory"):
        airflow.api.wait_for_dag(job)
    return {job: airflow.api.trigger(job, {"folder": str(folder)}) for job in (*JOBS, "words_dag_factory")}


@pytest.mark.parametrize("job", JOBS)
def test_ours(airflow: Embedded, runs: dict[str, str], job: str, words: int) -> None:
    assert airflow.api.wait(job, runs[job], timeout=300)["state"] == "success"
    report = airflow.api.xcom(job, runs[job], "report")
    assert (report["state"], report["subtasks"], report["result"]) == ("complete", 4, words)


def test_dag_factory(airflow: Embedded, runs: dict[str, str], words: int) -> None:
    job = "words_dag_factory"
    assert airflow.api.wait(job, runs[job], timeout=300)["state"] == "success"
    assert airflow.api.xcom(job, runs[job], "total") == words


def test_what_fails_in_their_functions_is_told_and_tried_again(airflow: Embedded, tmp_path: Path) -> None:
    """A Celery task with ``autoretry_for`` raises the error itself when it is called, not Celery's ``Retry``."""
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    run_id = airflow.api.trigger("words_celery", {"folder": str(tmp_path)})
    assert airflow.api.wait("words_celery", run_id, timeout=300)["state"] == "failed"
    (failure,) = airflow.api.xcom("words_celery", run_id, "report", "result")["failures"]
    assert failure["type"] == "FileNotFoundError"
    (row,) = [row for row in airflow.api.task_instances("words_celery", run_id) if row["task_id"] == "run"]
    assert row["try_number"] == 4
