"""Build Airflow DAGs from job specs."""

from __future__ import annotations

from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.factory.folder import load_dags, load_jobs

__all__ = ["build_dag", "load_dags", "load_jobs"]
