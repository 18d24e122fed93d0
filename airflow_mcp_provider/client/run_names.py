"""The names of runs, and how Airflow's REST API lists them."""

from __future__ import annotations

from typing import NamedTuple

from airflow_mcp_provider.client.models import Model


class RunName(NamedTuple):
    """The two ids of a run: run ids are unique within a job only."""

    job: str
    run: str

    @classmethod
    def of(cls, text: str) -> RunName:
        """Return the ids in ``JOB/RUN``; no id has a slash, which would make the path that of another route."""
        job, _, run = text.partition("/")
        return cls(job, run)

    def __str__(self) -> str:
        return f"{self.job}/{self.run}"


class AirflowRun(Model):
    """A run, as Airflow's REST API has it."""

    dag_id: str
    dag_run_id: str


class AirflowRuns(Model):
    """A list of runs, as Airflow's REST API has it."""

    dag_runs: list[AirflowRun]
