"""Every job of ``jobs/``, as a DAG."""

from pathlib import Path

from airflow_mcp_provider.factory import load_jobs

globals().update(load_jobs(Path(__file__).parent / "jobs"))
