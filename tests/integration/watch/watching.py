"""What the tests read of an Airflow while its watches work."""

import itertools
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import patient


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for a true value."""
    end = time.monotonic() + patient(seconds)
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {seconds} s")


def runs(airflow: Embedded, job: str) -> list[tuple[str, str, datetime | None, datetime | None]]:
    """State, run_id, start and end of each run."""
    query = "SELECT state, run_id, start_date, end_date FROM dag_run WHERE dag_id = %s ORDER BY id"
    return [tuple(row) for row in airflow.sql(query, job)]


def overlapping(found: list[tuple[str, str, datetime | None, datetime | None]]) -> list[tuple[str, str]]:
    """Pairs of runs that were active at the same time."""
    spans = sorted((start, end, name) for _, name, start, end in found if start and end)
    return [(one[2], other[2]) for one, other in itertools.pairwise(spans) if other[0] < one[1]]


def subtasks(airflow: Embedded, job: str) -> dict[str, int]:
    """The number of subtasks of each run."""
    query = "SELECT run_id, count(*) FROM task_instance WHERE dag_id = %s AND task_id = 'run' AND map_index >= 0 GROUP BY run_id"
    return {str(run): int(str(number)) for run, number in airflow.sql(query, job)}


def document(airflow: Embedded, job: str) -> dict[str, Any]:
    """The document of the job from /job-control/v1."""
    answer = airflow.api._client.get(f"{airflow.url}/job-control/v1/jobs/{job}")
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
