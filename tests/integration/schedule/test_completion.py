"""The event of a completed job while another scheduler holds its rows: see ``completion``."""

import json
import os
import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider.embedded.postgres import Postgres
from airflow_mcp_provider.embedded.processes import Processes
from tests.sizes import patient

SCRIPT = Path(__file__).with_name("completion.py")


def test_an_event_waits_for_a_scheduler_that_creates_the_run_of_the_last_one(tmp_path):
    postgres = Postgres()
    (tmp_path / "logs").mkdir()
    processes = Processes(tmp_path, tmp_path / "logs", [*postgres.folders])
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.url}
    processes.watch()
    try:
        postgres.start(processes, env)
        command = [sys.executable, str(SCRIPT), "2"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=patient(180))
    finally:
        processes.end()
    assert done.returncode == 0, done.stderr[-3000:]
    events, waiting = json.loads(done.stdout.strip().splitlines()[-1])
    assert (events, waiting) == (2, 1), "the second event starts another run"
