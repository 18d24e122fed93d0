"""A cancel at the very moment of many enqueues, against the locks of a scheduler: see ``contention``."""

import json
import os
import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider.embedded.postgres import Postgres
from airflow_mcp_provider.embedded.processes import Processes
from tests.sizes import patient

SCRIPT = Path(__file__).with_name("contention.py")


def test_nothing_starts_after_the_answer_and_nothing_deadlocks(tmp_path):
    postgres = Postgres()
    (tmp_path / "logs").mkdir()
    processes = Processes(tmp_path, tmp_path / "logs", [*postgres.folders])
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.url}
    env["PYTHONPATH"] = str(Path(__file__).parents[3])
    processes.watch()
    try:
        postgres.start(processes, env)
        command = [sys.executable, str(SCRIPT)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=patient(180))
    finally:
        processes.end()
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["errors"] == []
    assert found["counts"]["refused"] == 4, "each runner was refused after the cancel"
    assert found["counts"]["enqueued"] > 40
    assert found["counts"]["examined"] > 3
    cancelled = found["cancelled"]
    assert found["at_once"] == found["later"]
    assert found["later"] == {"success": 1, "failed": cancelled["running"], "skipped": cancelled["waiting"]}
    assert found["retried"] == cancelled["running"] + cancelled["waiting"] - 1, "without the report"
    assert found["again"] == {"success": 1, "none": found["retried"] + 1}
