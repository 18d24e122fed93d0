from pathlib import Path

from airflow_mcp_provider.factory import load_jobs  # one DAG a spec

globals().update(load_jobs(Path(__file__).parent / "jobs"))
