"""The API for a job's own functions. It is imported in the runner and does not need Airflow."""

from __future__ import annotations

from airflow_mcp_provider.errors import SoftTimeout
from airflow_mcp_provider.runtime.calls import enqueue, enqueue_many, progress
from airflow_mcp_provider.runtime.outcome import Error, Outcome

__all__ = ["Error", "Outcome", "SoftTimeout", "enqueue", "enqueue_many", "progress"]
