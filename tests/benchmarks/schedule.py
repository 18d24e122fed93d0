"""What 1,000 scheduled jobs cost the scheduler, beside 1,000 plain DAGs with the same cron."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded

DAGS = Path(__file__).parent / "schedule_dags"
LOOP = Path(__file__).with_name("schedule_loop.py")
COUNT = 1_000
NAMES = {"a run": "a run is created", "CPU of a run": "CPU of the scheduler for it"}
ALONE = ("a look without dates", "a look at flags", "all flags cleared")


def measure(rounds: int = 4, count: int = COUNT) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark); figures are medians of rounds."""
    env = {"SCHEDULED": str(count), "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "900"}
    env |= {"AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600", "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600"}
    with Embedded(dags=DAGS, schedulers=0, env=env) as airflow:
        for kind in ("job", "plain"):
            airflow.api.wait_for_dag(f"{kind}_{count - 1}", timeout=900)
        airflow.kill("dag-processor")
        own = {**airflow.environment(), "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
        command = [sys.executable, str(LOOP), str(count), str(rounds)]
        done = subprocess.run(command, check=True, env=own, stdout=subprocess.PIPE, text=True)
    found: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    median = {name: statistics.median(figures[name] for figures in found) for name in found[0]}
    rows = [
        _row(f"{count} schedules, {text}", median[f"job: {name}"], median[f"plain: {name}"])
        for name, text in NAMES.items()
    ]
    return [*rows, *((f"{count} schedules, {name}", f"{median[name]:.1f} ms", "") for name in ALONE)]


def _row(what: str, ours: float, plain: float) -> tuple[str, str, str]:
    return what, f"{ours:.1f} ms", f"a plain DAG {plain:.1f} ms ({ours / plain:.2f} times)"
