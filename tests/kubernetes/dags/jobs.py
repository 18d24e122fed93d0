"""The jobs of these tests: one DAG a spec."""

from pathlib import Path

from airflow_mcp_provider.factory import build_dag, load_dags  # for Airflow
from airflow_mcp_provider.spec import parse_job

JOBS = Path(__file__).parent / "jobs"
globals().update(load_dags(JOBS))

# A job has one active run: these are for faults at the same time.
for name in ("echo_deleted", "echo_evicted", "echo_killed", "echo_late"):
    globals()[name] = build_dag(parse_job((JOBS / "echo.yaml").read_text(), id=name))
