"""``matrix`` and its twin in Python on a real Airflow: the sizes are those that the programs themselves give."""

import subprocess
from itertools import product
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates.held import HeldKiller

FILE = Path(subprocess.__file__)


@pytest.mark.parametrize("job", ["matrix", "twin"])
def test_every_combination_although_ten_runners_are_killed(airflow: Embedded, job: str) -> None:
    airflow.api.wait_for_dag(job)
    run_id = airflow.api.trigger(job, {"file": str(FILE)})
    killer = HeldKiller(airflow, job, run_id, within=0)  # its runners are few and short
    assert killer.until_the_end()["state"] == "success"
    assert killer.killed.total() == 10
    result = airflow.api.xcom(job, run_id, "report")
    assert (result["state"], result["subtasks"]) == ("complete", 9)
    best = sorted(
        (packed(program, level), f"{program} -{level}") for program, level in product(["gzip", "bzip2", "xz"], "169")
    )
    assert result["result"] == {
        "bytes": FILE.stat().st_size,
        "best": [{"how": how, "bytes": size} for size, how in best],
    }
    rows = [row for row in airflow.api.task_instances(job, run_id) if row["task_id"] == "run"]
    assert [row["rendered_map_index"] for row in rows][:4] == ["gzip -1", "gzip -6", "gzip -9", "bzip2 -1"]


def packed(program: str, level: str, path: Path = FILE) -> int:
    with path.open("rb") as file:
        return len(subprocess.run([program, f"-{level}"], stdin=file, capture_output=True, check=True).stdout)
