"""Every job of ``jobs/``, as a DAG."""

from pathlib import Path

from airflow_mcp_provider.factory import load_dags

globals().update(load_dags(Path(__file__).parent / "jobs"))
