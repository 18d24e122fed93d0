"""Jobs whose spec was removed or renamed: their active run goes on to its end, and their queued runs are ended.

Airflow marks the DAG of such a job as stale, and then its active run stops where it is. So a scheduler marks the DAG as
not stale while a run is active. It also marks it as one with import errors: with this mark Airflow starts no scheduled
run of a DAG and refuses new ones. Airflow itself never sets this mark for a DAG that is not stale.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true, update
from sqlalchemy.orm import Session, object_session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.locks import savepoint
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, DagTag, create_session
from airflow_mcp_provider.plugin.queue.airflow_internals import DagModel
from airflow_mcp_provider.plugin.queue.termination import end_unstarted

GRACE = timedelta(minutes=5)
"""For so long the queued runs of a job wait for its spec: it may be missing while files are being copied."""
AT_ONCE = 50
"""Queued runs that are ended in a check."""
GONE = and_(DagModel.is_stale, DagModel.has_import_errors.is_not(true()))
KEPT = and_(~DagModel.is_stale, DagModel.has_import_errors.is_(true()))
OF_JOBS = DagModel.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == JOB_TAG))


def look(lock_timeout: float) -> None:
    """Keep the jobs with an active run, give up the others, and end queued runs; ``lock_timeout``: seconds."""
    with create_session(scoped=False) as session, savepoint(session, lock_timeout) as connection:
        active = _with_runs(session, DagRunState.RUNNING)
        if active:
            kept = {"is_stale": False, "has_import_errors": True, "last_parsed_time": clock.now()}
            _mark(connection, active, kept)
        _give_up(connection, DagModel.dag_id.not_in(active))
        end_unstarted(session, connection, _left_behind(session))


def give_up_now(run: DagRun, lock_timeout: float) -> None:
    """Mark the job of a run that ends as removed, if it was kept for this run: no queued run starts after it."""
    if (session := object_session(run)) is not None:
        with savepoint(session, lock_timeout) as connection:
            _give_up(connection, DagModel.dag_id == run.dag_id)


def _give_up(connection: Connection, which: ColumnElement[bool]) -> None:
    connection.execute(update(DagModel).where(KEPT, which).values(is_stale=True, has_import_errors=False))


def _with_runs(session: Session, state: DagRunState) -> set[str]:
    query = select(DagRun.dag_id).join(DagModel, DagModel.dag_id == DagRun.dag_id)
    return set(session.scalars(query.where(DagRun.state == state, or_(GONE, KEPT), OF_JOBS)))


def _mark(connection: Connection, jobs: Collection[str], values: dict[str, object]) -> None:
    """Change the jobs that are still gone: a spec that is there again has been parsed meanwhile."""
    connection.execute(update(DagModel).where(DagModel.dag_id.in_(jobs), or_(GONE, KEPT)).values(values))


def _left_behind(session: Session) -> dict[int, End]:
    """Return the queued runs of jobs that are gone for longer than ``GRACE``."""
    query = (
        select(DagRun.id, DagRun.dag_id)
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .where(DagRun.state == DagRunState.QUEUED, GONE, OF_JOBS, DagModel.last_parsed_time < clock.now() - GRACE)
        .limit(AT_ONCE)
    )
    return {number: End(Reason.CANCELLED, _text(job)) for number, job in session.execute(query)}


def _text(job: str) -> str:
    return f"the job {job} was removed before this run started: no spec and no DAG file defines it any more"
