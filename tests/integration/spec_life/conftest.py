"""One Airflow with two DAG processors, whose job specs the tests edit while runs are active."""

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.embedded.processes import Program
from tests.integration.growth.waiting import until

HERE = Path(__file__).parent
STALE_AFTER = 6
"""Seconds after which Airflow marks a DAG as stale that was not parsed; the default is 50."""
ENV = {
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
    "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": str(STALE_AFTER),
    "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "2",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": "1",
}
STEPS = """\
description: The second version.
params: {go: {type: string, default: /dev/null}}
plan: {items: [a, b, c]}
steps:
  - {name: first, run: {shell: 'echo "{\\"version\\": 2}"'}}
  - {name: second, run: {shell: 'echo "{\\"version\\": 2}"'}}
"""


class Jobs:
    """The jobs of one Airflow, which have the spec ``held`` at first, and what people see of them."""

    def __init__(self, airflow: Embedded, folder: Path) -> None:
        self.airflow = airflow
        self.folder = folder
        answer = httpx.post(
            f"{airflow.url}/auth/token", json={"username": "admin", "password": airflow.password}, timeout=60
        )
        headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
        self._client = httpx.Client(base_url=f"{airflow.url}/job-control/v1", headers=headers, timeout=60)

    def spec(self, job: str) -> Path:
        return self.folder / f"{job}.yaml"

    def new(self, job: str) -> None:
        shutil.copyfile(self.folder / "held.yaml", self.spec(job))

    def document(self, job: str) -> Json:
        answer = self._client.get(f"/jobs/{job}").raise_for_status().json()
        assert isinstance(answer, dict)
        return answer

    def submit(self, job: str, **conf: Any) -> httpx.Response:
        return self._client.post(f"/jobs/{job}/runs", json={"conf": conf})

    def started(self, names: Iterable[str], go: Path) -> dict[str, str]:
        """Start a run of each job; its first subtask works until ``go`` exists."""
        runs = {}
        for job in names:
            self.airflow.api.wait_for_dag(job)
            runs[job] = self.airflow.api.trigger(job, {"go": str(go)})
        for job, run in runs.items():
            self.until(lambda job=job, run=run: "running" in self.states(job, run, "run"), f"a subtask of {job}")
        return runs

    def states(self, job: str, run: str, task: str) -> list[str]:
        return [one["state"] for one in self.airflow.api.task_instances(job, run) if one["task_id"] == task]

    def results(self, job: str, run: str, task: str = "run") -> list[Any]:
        """Return what the subtasks of a run that has succeeded returned."""
        assert self.airflow.api.wait(job, run)["state"] == "success"
        stores = [
            self.airflow.api.state_store(job, run, task, index) for index in range(len(self.states(job, run, task)))
        ]
        return [store["mcp.outcome"]["result"] for store in stores]

    def runs(self, job: str) -> list[Json]:
        """Return the runs of a job, the oldest first."""
        found = self.airflow.api.get(f"/dags/{job}/dagRuns", limit=100, order_by="id")["dag_runs"]
        assert isinstance(found, list)
        return found

    def versions(self, job: str) -> int:
        [(number,)] = self.airflow.sql("SELECT count(*) FROM dag_version WHERE dag_id = %s", job)
        return int(number)

    def stale(self, job: str) -> bool:
        return bool(self.airflow.api.get(f"/dags/{job}")["is_stale"])

    def kept(self, job: str) -> bool:
        """Return whether the job is known to be removed, and kept for its active run."""
        found = self.airflow.api.get(f"/dags/{job}")
        return bool(found["has_import_errors"] and not found["is_stale"])

    def error(self, name: str) -> str | None:
        """Return the import error of a spec, as the UI shows it."""
        found = (one["stack_trace"] for one in self.airflow.api.import_errors() if one["filename"] == f"jobs/{name}")
        return next(found, None)

    def until(self, look: Callable[[], Any], what: str) -> Any:
        return until(look, what=what, seconds=120)


@pytest.fixture(scope="package")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    dags = tmp_path_factory.mktemp("airflow") / "dags"
    shutil.copytree(HERE / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    for job in ("edited", "broken", "removed", "renamed", "half", "twice"):
        shutil.copyfile(dags / "jobs/held.yaml", dags / f"jobs/{job}.yaml")
    with Embedded(dags=dags, parallelism=16, env=ENV) as airflow:
        command = [sys.executable, "-m", "airflow", "dag-processor"]
        airflow.processes.start(Program("dag-processor-2", command, airflow.environment()))
        for job in ("held", "ticking"):
            airflow.api.wait_for_dag(job)
        airflow.api.patch("/dags/ticking", {"is_paused": True})  # its runs would take half of a processor
        yield Jobs(airflow, dags / "jobs")
