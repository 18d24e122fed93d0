"""One Airflow with few slots and without the gate, so without a listener; what it says of its slots."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import PARSED_ONCE, patient

HERE = Path(__file__).parent
SLOTS = 4
ENVIRONMENT = {
    **PARSED_ONCE,
    "AIRFLOW__MCP__GATE": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
}


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    with Embedded(dags=HERE / "dags", parallelism=SLOTS, env=ENVIRONMENT) as embedded:
        for job in ("crowd", "guest"):
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture
def crowd(airflow: Embedded) -> Iterator["Crowd"]:
    """Start a run with more subtasks than slots, and end it with the test."""
    crowd = Crowd(airflow)
    yield crowd
    crowd.end()


class Crowd:
    """A run with a logical date: Airflow's own order takes it before every run without one."""

    def __init__(self, airflow: Embedded) -> None:
        self._airflow = airflow
        self._run = ""

    def come(self, count: int, seconds: float) -> str:
        """Start it, and wait until every slot is taken by a subtask."""
        conf = {"count": count, "seconds": seconds}
        self._run = self._airflow.api.trigger("crowd", conf, logical_date="2024-01-01T00:00:00Z")
        self._airflow.processes.check()
        wait(lambda: len(active(self._airflow, "crowd", "run")) >= SLOTS, self._airflow, "a subtask in every slot")
        return self._run

    def end(self) -> None:
        """Cancel it, and wait until its slots are free; the next one may have the same logical date."""
        if self._run:
            self._airflow.api.cancel("crowd", self._run)
            wait(lambda: not busy_workers(self._airflow), self._airflow, "free slots")
            self._airflow.api.delete(f"/dags/crowd/dagRuns/{self._run}")


def wait(what, airflow: Embedded, told: str, seconds: float = 120) -> None:
    from airflow_mcp_provider.embedded.processes import deadline

    limit = deadline(patient(seconds), told, airflow.processes)
    while not what():
        limit.pause()


def active(airflow: Embedded, job: str = "%", task: str = "%") -> list[tuple]:
    """The queued and running task instances."""
    query = """
        SELECT dag_id, task_id, map_index FROM task_instance
        WHERE state IN ('queued', 'running') AND dag_id LIKE %s AND task_id LIKE %s
    """
    return airflow.sql(query, job, task)


def busy_workers(airflow: Embedded) -> list[int]:
    """The executor's worker processes that have a workload now, by number."""
    import psutil

    titles = {}
    for child in psutil.Process(airflow.processes.running["scheduler-1"].pid).children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            titles[child.pid] = " ".join(child.cmdline())
    return [pid for pid, title in titles.items() if "LocalExecutor" in title and "<idle>" not in title]
