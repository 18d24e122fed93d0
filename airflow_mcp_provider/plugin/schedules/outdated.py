"""Drop the event of a watch that a run of the job has overtaken: the run may have done the work.

Between a check and the creation of its run another run of the job may start, for example one that a user submits.
Airflow keeps the event until this run has ended, and would then create a run that may have no work. The watch checks
again in any case. Replaces ``_create_dag_runs_asset_triggered`` in the scheduler; two queries for each run of a watch.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache, wraps
from typing import Any

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db.tables import DagRun, DagTag
from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.schedules.airflow_internals import (
    CREATE_FOR_ASSETS,
    AssetDagRunQueue,
    AssetEvent,
    AssetModel,
    DagModel,
    DagScheduleAssetReference,
    SchedulerJobRunner,
)
from airflow_mcp_provider.trigger.event import WatchEvent
from airflow_mcp_provider.trigger.status import asset_uri

log = structlog.get_logger(__name__)


@cache
def drop_outdated_events(kind: type[SchedulerJobRunner] = SchedulerJobRunner) -> None:
    """Patch the schedulers of this process."""
    wrap(kind, CREATE_FOR_ASSETS, _dropping)


def _dropping(create: Method) -> Method:
    @wraps(create)
    def dropping(self: Any, *, dag_models: Collection[DagModel], session: Session) -> Any:  # noqa: ANN401 - Airflow's
        outdated = drop(session, [model.dag_id for model in dag_models])
        return create(self, dag_models=[one for one in dag_models if one.dag_id not in outdated], session=session)

    return dropping


def drop(session: Session, dags: Collection[str]) -> set[str]:
    """Remove the waiting events of jobs whose watch reported work before another run ended; return these jobs."""
    jobs = session.scalars(select(DagTag.dag_id).where(DagTag.dag_id.in_(dags), DagTag.name == JOB_TAG)).all()
    outdated = {job for job in jobs if (event := _event(session, job)) and event.is_outdated(_last_end(session, job))}
    if outdated:
        session.execute(delete(AssetDagRunQueue).where(AssetDagRunQueue.target_dag_id.in_(outdated)))
        log.info("dropped the event of a watch, because another run has ended since its check", jobs=sorted(outdated))
    return outdated


def _event(session: Session, job: str) -> WatchEvent | None:
    """Return the newest event of a job's watch; None for a job without a watch."""
    newest = (
        select(AssetEvent.extra)
        .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        .join(DagScheduleAssetReference, DagScheduleAssetReference.asset_id == AssetModel.id)
        .where(DagScheduleAssetReference.dag_id == job, AssetModel.uri == asset_uri(job))
        .order_by(AssetEvent.timestamp.desc(), AssetEvent.id.desc())
        .limit(1)
    )
    return WatchEvent.of_extra(session.scalar(newest))


def _last_end(session: Session, job: str) -> datetime | None:
    """Return the latest end of a run that has started; one that was dropped in the queue has done no work."""
    query = select(func.max(DagRun.end_date)).where(DagRun.dag_id == job, DagRun.start_date.is_not(None))
    return session.scalar(query)
