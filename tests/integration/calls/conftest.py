"""One Airflow for all jobs that call jobs, and what their tests look at."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM

DAGS = Path(__file__).parent / "dags"
CALLED = "called"


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    """Two slots: a caller that held one would leave nothing to the called run's two tasks at a time of three."""
    with Embedded(dags=DAGS, schedulers=2, parallelism=2, env=CALM) as embedded:
        for job in ("caller", CALLED, "ring_a", "ring_b", "nobody", "mixed", "round", "lines", "staged", "stranger"):
            embedded.api.wait_for_dag(job)
        yield embedded


def subtask(path: Path, name: str, does: str = "work", **more: Any) -> Json:
    return {"name": name, "record": str(path / "record.jsonl"), "does": does, **more}


def result(airflow: Embedded, job: str, run_id: str) -> Json:
    key = "return_value" if airflow.api.wait(job, run_id, 240)["state"] == "success" else "result"
    found: Json = airflow.api.xcom(job, run_id, "report", key)
    return found


def outcomes(airflow: Embedded, job: str, run_id: str) -> dict[str, Json]:
    return {one["key"]: one for one in result(airflow, job, run_id)["result"]}


def called_runs(airflow: Embedded) -> list[Json]:
    runs: list[Json] = airflow.api.get(f"/dags/{CALLED}/dagRuns", order_by="id", limit=100)["dag_runs"]
    return runs


PLANT = """insert into task_state_store (dag_run_id, dag_id, run_id, task_id, map_index, key, value, updated_at)
    select id, dag_id, run_id, 'plan', -1, 'mcp.caller', %s, now() from dag_run where dag_id = 'stranger' and run_id = %s"""


def planted_caller(airflow: Embedded, value: object) -> str:
    """Make a run that waits and has such a row, as if it were made for a subtask; return its id."""
    later = "2999-01-01T00:00:00Z"
    run_id = airflow.api.trigger("stranger", dag_run_id=f"subtask__{uuid.uuid4().hex}", run_after=later)
    airflow.sql(PLANT, json.dumps(value), run_id)
    return run_id


def working(airflow: Embedded) -> bool:
    return bool(
        airflow.api.get(f"/dags/{CALLED}/dagRuns/~/taskInstances", task_id="run", state="running")["total_entries"]
    )
