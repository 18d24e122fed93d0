"""``inventory`` and ``line_count`` on a real Airflow: each directory once, although runners are killed."""

from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates.held import HeldKiller
from tests.integration.templates.tree import grow, walked

DIRECTORIES = 20
CONF: dict[str, dict[str, Any]] = {"inventory": {"directories_per_subtask": 2}, "line_count": {}}


@pytest.mark.parametrize("job", CONF)
def test_the_tree_is_counted_although_ten_runners_are_killed(airflow: Embedded, job: str, tmp_path: Path) -> None:
    root = grow(tmp_path / "tree", DIRECTORIES)
    airflow.api.wait_for_dag(job)
    run_id = airflow.api.trigger(job, {"path": str(root), **CONF[job]})
    killer = HeldKiller(airflow, job, run_id, most=2, within=0)  # its runners are short
    assert killer.until_the_end()["state"] == "success"
    assert killer.killed.total() == 10
    result = airflow.api.xcom(job, run_id, "report")
    assert result["state"] == "complete"
    assert counted(job, result["result"]) == walked(root)


def counted(job: str, report: dict[str, Any]) -> dict[str, int]:
    """What the job says of the tree."""
    told = report["totals"] if job == "inventory" else report
    return {name: told[name] for name in ("directories", "files", "lines", "bytes")}
