"""Find the job and the run of a request."""

from __future__ import annotations

from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import RunState
from airflow_mcp_provider.plugin.control.refused import not_found
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import markers
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.plugin.status import run_rows


def job(session: Session, dag_id: str) -> str:
    """Return the id of a job; raises ControlRefused (404) for a DAG that is none."""
    if not markers(session, [dag_id]):
        raise not_found(f"job {dag_id}")
    return dag_id


def run(session: Session, dag_id: str, run_id: str) -> RunRef:
    """Return a run of a job; raises ControlRefused (404)."""
    number = session.scalar(select(DagRun.id).filter_by(dag_id=job(session, dag_id), run_id=run_id))
    if number is None:
        raise not_found(f"run {run_id} of job {dag_id}")
    return RunRef(number, dag_id, run_id)


def state_of(found: RunRef, session: Session) -> RunState:
    """Return the state that the document of a run has; raises ControlRefused (404) for one that was deleted since."""
    row = run_rows.one(session, found.dag_id, found.run_id)
    if row is None:
        gone(found)
    return row.judged(alive=bool(run_rows.alive(session, [row])), now=clock.now())


def gone(found: RunRef) -> NoReturn:
    """Raise the error of a run that was deleted meanwhile."""
    raise not_found(f"run {found.run_id} of job {found.dag_id}")
