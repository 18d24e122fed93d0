"""Who asks is who has the task instance when the lock is free, not when the request came."""

import json
import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import patient

SCRIPT = Path(__file__).parent / "replaced.py"


def test_a_runner_that_is_replaced_while_it_waits_is_not_heard(airflow: Embedded) -> None:
    airflow.api.wait_for_dag("still")
    airflow.api.patch("/dags/still", {"is_paused": True})
    done = subprocess.run(
        [sys.executable, SCRIPT],
        check=False,
        capture_output=True,
        text=True,
        env=airflow.environment(),
        timeout=patient(120),
    )
    assert done.returncode == 0, done.stderr
    passed, kept = None, 204
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "heartbeats": [passed, kept],
        "go on": [passed],
        "enqueue": [passed],
        "goes on": [kept],
    }
