"""The names of runs, and how Airflow's REST API lists them."""

from __future__ import annotations

from airflow_mcp_provider.client.models import Model


class RunName(Model):
    """The name of a run: run ids are unique within a job only."""

    job: str
    run: str


class AirflowRun(Model):
    """A run, as Airflow's REST API has it."""

    dag_id: str
    dag_run_id: str


class AirflowRuns(Model):
    """A list of runs, as Airflow's REST API has it."""

    dag_runs: list[AirflowRun]
