"""An API server without our hook: subtasks would vanish in it, so the first question says which line to add.

Here the user has chosen another backend, which the plugin respects; a server that loads no plugins is the same case.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import WATCHFUL
from tests.integration.growth.runs import Ended, does, trigger

LINE = "[state_store] backend = airflow_mcp_provider.plugin.growth.backend.GrowthBackend"


@pytest.fixture(scope="module")
def airflow(dags: Path) -> Iterator[Embedded]:
    env = {"AIRFLOW__STATE_STORE__BACKEND": "plain_backend.PlainBackend", "PYTHONPATH": str(dags)}
    with Embedded(dags=dags, env={**WATCHFUL, **env}) as embedded:
        embedded.api.wait_for_dag("deeds")
        yield embedded


def test_plan_fails_with_the_line_to_add(airflow: Embedded, record: Path) -> None:
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, [does("give")]))
    assert run.run["state"] == "failed"
    assert not record.exists()
    for task_id in ("plan", "report"):
        said = _errors(run, task_id)
        assert "InstallationError" in said
        assert LINE in said


def _errors(run: Ended, task_id: str) -> str:
    """The log with its tracebacks."""
    job, run_id = run.names
    path = f"/dags/{job}/dagRuns/{run_id}/taskInstances/{task_id}/logs/1"
    return str(run.api.get(path, map_index=-1, full_content=True)["content"])
