"""The jobs of these tests: one DAG a spec."""

from pathlib import Path

from airflow_mcp_provider.factory import load_jobs  # for Airflow

globals().update(load_jobs(Path(__file__).parent / "jobs"))
