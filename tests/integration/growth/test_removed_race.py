"""Growth's one deadly race: the scheduler marks rows REMOVED that appear while it examines the run.

The run would end successful without them. The DagRun's lock prevents it, and report's question is the net below.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import patient

SCRIPT = Path(__file__).parent / "race.py"


@pytest.fixture(scope="module")
def paused(airflow: Embedded) -> Embedded:
    airflow.api.wait_for_dag("race")
    airflow.api.patch("/dags/race", {"is_paused": True})
    return airflow


def _play(airflow: Embedded, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, SCRIPT, str(patient(20)), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=airflow.environment(),
    )
    assert done.returncode == 0, done.stderr
    played: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return played


def test_under_the_lock_the_new_subtasks_stay(paused: Embedded) -> None:
    played = _play(paused)
    assert played["answer"]["new"] == 2
    assert played["after"] == {"0": "running", "1": None, "2": None, "3": None}
    assert played["pending"] == 4
    assert played["confirmed"] == played["after"]


def test_without_the_lock_the_scheduler_removes_them_and_report_brings_them_back(paused: Embedded) -> None:
    """That this fails as told shows that the test above could fail."""
    played = _play(paused, "unlocked")
    assert played["answer"]["new"] == 2
    assert played["after"] == {"0": "running", "1": None, "2": "removed", "3": "removed"}
    assert played["pending"] == 4
    assert played["confirmed"] == {"0": "running", "1": None, "2": None, "3": None}
