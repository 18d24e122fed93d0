"""Run a job in this process, without Airflow: the author's inner loop (``mcp-jobs test``)."""

from airflow_mcp_provider.local_run.run import LocalRun, Options, Result
from airflow_mcp_provider.local_run.subtasks import Record, Subtasks

__all__ = ["LocalRun", "Options", "Record", "Result", "Subtasks"]
