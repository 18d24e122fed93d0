"""One deep queue beside a plain DAG: how long a run of the plain DAG takes, and how soon the job's next run starts."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded

DAGS = Path(__file__).parent / "queue_dags"
QUEUED, FEW = 500, 5
JOB, PLAIN = "busy", "beside"
ENDED = "SELECT extract(epoch FROM end_date - queued_at) FROM dag_run WHERE dag_id = %s AND run_id = %s"
GAPS = """
SELECT extract(epoch FROM start_date - lag(end_date) OVER (ORDER BY start_date)) FROM dag_run
WHERE dag_id = %s AND state = 'success' ORDER BY start_date DESC LIMIT %s
"""
"""Seconds between the end of a run and the start of the next one, of the latest runs."""


def measure(rounds: int = 8, queued: int = QUEUED) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark); figures are medians and the largest of ``rounds``."""
    with Embedded(dags=DAGS) as airflow:
        for dag_id in (JOB, PLAIN):
            airflow.api.wait_for_dag(dag_id)
        holder = airflow.api.trigger(JOB, {"seconds": 3600})
        _until_at_work(airflow, holder)
        _seconds(airflow)  # the first run pays for caches that all others find
        rows = [_row("nothing queued", [_seconds(airflow) for _ in range(rounds)])]
        _submit(airflow, queued)
        rows.append(_row(f"{queued} runs of a job queued", [_seconds(airflow) for _ in range(rounds)]))
        airflow.api.cancel(JOB, holder)
        rows.append(_row("while the slot is held for processes that end", [_seconds(airflow) for _ in range(rounds)]))
        _until_begun(airflow, FEW)
        rows.append(_row("while they run in turn", [_seconds(airflow) for _ in range(rounds)]))
        gaps = [float(row[0]) for row in airflow.sql(GAPS, JOB, rounds) if row[0] is not None]
        return [*rows, _row("from the end of a run to the next one's start", gaps)]


def _row(what: str, took: list[float]) -> tuple[str, str, str]:
    return (f"deep queue, {what}", f"{statistics.median(took):.2f} s", f"at most {max(took):.2f} s")


def _seconds(airflow: Embedded) -> float:
    """Return the time from the trigger to the end of a run of the plain DAG."""
    run_id = airflow.api.trigger(PLAIN)
    run = airflow.api.wait(PLAIN, run_id, timeout=300)
    assert run["state"] == "success", run
    return float(airflow.sql(ENDED, PLAIN, run_id)[0][0])


def _submit(airflow: Embedded, count: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: airflow.api.trigger(JOB, {"seconds": 0}), range(count)))
    time.sleep(15)  # until every queued run has its note


def _until_at_work(airflow: Embedded, run_id: str) -> None:
    while not any(
        one["state"] == "running" for one in airflow.api.task_instances(JOB, run_id) if one["task_id"] == "run"
    ):
        time.sleep(0.2)


def _until_begun(airflow: Embedded, count: int) -> None:
    while airflow.sql("SELECT count(*) FROM dag_run WHERE dag_id = %s AND state = 'success'", JOB)[0][0] < count:
        time.sleep(0.5)
