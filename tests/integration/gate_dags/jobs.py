"""As many jobs as ``GATE_JOBS`` says; all they do is to write down when each of their tasks began and ended."""

import os

from airflow.sdk import CronDataIntervalTimetable
from pendulum import datetime

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

JOB = """
plan: {python: "recorded:plan"}
run: {python: "recorded:visit"}
report: {python: "recorded:summary"}
params:
  seconds: {type: number, default: 0.1, title: A subtask works so long}
  file: {type: string, default: "", title: and until there is this file}
  watched: {type: array, default: [], title: The plan writes down which of these processes live}
  subtasks: {type: integer, default: 1}
retries: {attempts: 2, delay: 1s}
"""
MORE = {
    "hasty": f"timeouts: {{queue: {os.environ.get('GATE_QUEUE', '6s')}}}",
    "brief": "timeouts: {run: 10m}",
    "urgent": "queue: {priority: 5}",
}


def job(name: str, more: str = "") -> None:
    dag = build_dag(parse_job(JOB + more, id=name))
    # Jobs have no schedules yet, and Airflow backfills only what has one. This one makes no run by itself.
    dag.timetable = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
    dag.start_date, dag.end_date = datetime(2020, 1, 1), datetime(2020, 12, 31)
    globals()[name] = dag


for number in range(int(os.environ.get("GATE_JOBS", "2"))):
    job(f"lane_{number}")
for name, more in MORE.items():
    job(name, more)
