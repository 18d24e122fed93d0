"""What a job's own functions may import: in the runner, without Airflow."""

from __future__ import annotations

from airflow_mcp_provider.errors import SoftTimeout
from airflow_mcp_provider.runtime.calls import enqueue, enqueue_many, progress
from airflow_mcp_provider.runtime.outcome import Error, Outcome

__all__ = ["Error", "Outcome", "SoftTimeout", "enqueue", "enqueue_many", "progress"]
