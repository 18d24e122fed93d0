"""Find runs that could start, but that Airflow does not examine (starvation).

Airflow examines a few queued runs per loop, those of a backfill by their ordinal. While another run has the job's slot,
the first runs of its backfill are examined in every loop without effect, and backfills of other jobs wait behind them.
Called by the gate, in the scheduler's transaction, at most once per ``[mcp] queue_look_interval``.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import Select, false, func, select, true
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.constants import JOB_TAG, MARKER_KEY
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.locks import skip_locked
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, DagTag
from airflow_mcp_provider.plugin.queue.airflow_internals import Backfill, DagModel, dag_bag, nulls_first

AT_ONCE = 5

log = structlog.get_logger(__name__)


def skipped_runs(session: Session) -> list[DagRun]:
    """Lock and return one queued run per job, for a few jobs without a running one; the longest unexamined first."""
    looked_at: Any = DagRun.last_scheduling_decision
    oldest = nulls_first(looked_at, session)
    # The conditions of the subquery are not checked again for a row that another transaction has changed meanwhile.
    queued = (DagRun.state == DagRunState.QUEUED, DagRun.run_after <= clock.now())
    query = select(DagRun).where(DagRun.id.in_(_one_per_job()), *queued).order_by(oldest).limit(AT_ONCE)
    locked = skip_locked(query, session, DagRun).execution_options(populate_existing=True)
    runs = list(session.scalars(locked).unique())
    return [run for run in runs if _is_job(session, run)]


def _is_job(session: Session, run: DagRun) -> bool:
    """Set the run's DAG and return whether it is a job; a DAG that cannot be read does not affect other jobs."""
    try:
        run.dag = dag_bag().get_dag_for_run(run, session=session)
    except Exception:
        log.exception("cannot read the DAG of a job; its runs stay queued", job=run.dag_id, run=run.run_id)
        return False
    return run.dag is not None and MARKER_KEY in run.dag.default_args


def _one_per_job() -> Select[Any]:
    other = aliased(DagRun)
    active = select(other.id).where(other.dag_id == DagRun.dag_id, other.state == DagRunState.RUNNING)
    return (
        select(func.min(DagRun.id))
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .join(DagTag, (DagTag.dag_id == DagRun.dag_id) & (DagTag.name == JOB_TAG))
        .outerjoin(Backfill, Backfill.id == DagRun.backfill_id)
        .where(DagRun.state == DagRunState.QUEUED, DagRun.run_after <= clock.now(), ~active.exists())
        .where(DagModel.is_paused == false(), DagModel.is_stale == false(), Backfill.is_paused.is_not(true()))
        .group_by(DagRun.dag_id)
    )
