"""Let Airflow create the next run of a schedule while other runs of the job are queued or running.

Airflow creates no run of a schedule while ``DagModel.exceeds_max_non_backfill`` is set, that is as long as any run of
the DAG is queued or running: also one that was submitted with a start in the future, and as long as a queue of
submitted runs is never empty. It computes the flag when a run ends and when the DAG file is parsed, not when a queued
run is ended or deleted. For a job only the runs of its schedule count: the gate keeps one run active at a time, and a
scheduled run has its place in the queue.
"""

from __future__ import annotations

from sqlalchemy import func, or_, select, true, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db.locks import skip_locked
from airflow_mcp_provider.plugin.db.states import OF_SCHEDULER, RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagTag
from airflow_mcp_provider.plugin.schedules.airflow_internals import DagModel, DagScheduleAssetReference


def release(session: Session) -> list[str]:
    """Clear the flag of jobs whose next date has come, and which have no active run of their schedule."""
    active = select(DagRun.id).where(
        DagRun.dag_id == DagModel.dag_id, DagRun.state.in_(RUN_ACTIVE), DagRun.run_type.in_(OF_SCHEDULER)
    )
    by_assets = DagModel.dag_id.in_(select(DagScheduleAssetReference.dag_id))
    query = select(DagModel.dag_id).where(
        DagModel.exceeds_max_non_backfill == true(),
        DagModel.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == JOB_TAG)),
        or_(DagModel.next_dagrun_create_after <= func.now(), by_assets),
        ~active.exists(),
    )
    jobs = list(session.scalars(skip_locked(query, session, DagModel)))
    if jobs:
        cleared = update(DagModel).where(DagModel.dag_id.in_(jobs)).values(exceeds_max_non_backfill=False)
        session.execute(cleared.execution_options(synchronize_session=False))
    return jobs
