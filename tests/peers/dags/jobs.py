"""Every job of ``jobs/``, as an Airflow DAG."""

from pathlib import Path

from airflow_mcp_provider.factory import load_dags

globals().update(load_dags(Path(__file__).parent / "jobs"))
