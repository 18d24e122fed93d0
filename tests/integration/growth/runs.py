"""A run that has ended, as a program sees it through the REST API, and the payloads of the job ``deeds``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded


class Ended:
    """Waits for the end of a run."""

    def __init__(self, airflow: Embedded, job: str, run_id: str, timeout: float = 240) -> None:
        self.api = airflow.api
        self.names = (job, run_id)
        self.run = airflow.api.wait(job, run_id, timeout)

    @property
    def result(self) -> Json:
        """The run's result, also that of a failed one."""
        key = "return_value" if self.run["state"] == "success" else "result"
        result: Json = self.api.xcom(*self.names, "report", key)
        return result

    @property
    def outcomes(self) -> dict[str, Json]:
        """What the job's own report saw, by key."""
        return {one["key"]: one for one in self.result["result"]}

    def rows(self, task_id: str = "run") -> list[Json]:
        """The task instances, by map index."""
        return [row for row in self.api.task_instances(*self.names) if row["task_id"] == task_id]

    def states(self) -> list[str]:
        """How each subtask ended, by map index."""
        return [row["state"] for row in self.rows()]


def does(name: str, node: str | None = None, **more: Any) -> Json:
    """A payload of the job ``deeds``."""
    return {"node": node or name, "does": name, **more}


def parse_again(airflow: Embedded, job: str) -> None:
    """Let the DAG processor parse the file of a DAG, with all jobs that it loads, without waiting for its turn."""
    token = airflow.api.get(f"/dags/{job}")["file_token"]
    airflow.api.put(f"/parseDagFile/{token}", None)


def trigger(airflow: Embedded, job: str, record: Path, subtasks: Sequence[Json]) -> str:
    """Start a run of ``deeds`` or one of its kin."""
    return airflow.api.trigger(job, {"subtasks": list(subtasks), "record": str(record)})
