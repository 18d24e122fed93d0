"""A job of one subtask that sleeps, and a plain DAG of one task."""

from airflow.sdk import DAG, task

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

JOB = """
params: {seconds: {type: number}}
plan: {items: [1]}
run: {shell: "sleep $MCP_PARAM_SECONDS"}
"""
busy = build_dag(parse_job(JOB, id="busy"))

with DAG("beside", schedule=None):

    @task
    def nothing() -> None:
        """Return at once."""

    nothing()
