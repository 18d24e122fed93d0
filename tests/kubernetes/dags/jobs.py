"""The jobs of these tests: one DAG a spec."""

from pathlib import Path

from airflow_mcp_provider.factory import load_dags  # for Airflow

globals().update(load_dags(Path(__file__).parent / "jobs"))
