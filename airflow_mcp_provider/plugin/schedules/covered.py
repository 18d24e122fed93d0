"""Skip the missed dates that a run of the schedule has covered already, because it started after them.

A scheduled run may wait long in the queue of its job, and the dates that come in this time get no run of their own:
when it starts, it is the one run of all of them. Airflow would create another one after it, for the latest of them.
Replaces ``_create_dag_runs`` in the scheduler; one query for each loop in which runs are created.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache, wraps
from typing import Any

import structlog
from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunType, DagTag
from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.schedules.airflow_internals import (
    CREATE_SCHEDULED,
    DagModel,
    SchedulerJobRunner,
    SerializedDAG,
    current_dag,
    next_date,
    set_next_date,
)

log = structlog.get_logger(__name__)


@cache
def skip_covered_dates(kind: type[SchedulerJobRunner] = SchedulerJobRunner) -> None:
    """Patch the schedulers of this process."""
    wrap(kind, CREATE_SCHEDULED, _passing)


def _passing(create: Method) -> Method:
    @wraps(create)
    def passing(self: Any, dag_models: Collection[DagModel], session: Session) -> Any:  # noqa: ANN401 - Airflow's
        covered = starts(session, [model.dag_id for model in dag_models]) if dag_models else {}
        due = [one for one in dag_models if one.dag_id not in covered or _is_due(self, one, covered, session)]
        return create(self, due, session)

    return passing


def starts(session: Session, jobs: Collection[str]) -> dict[str, datetime]:
    """Return when the latest scheduled run of each job started, of those jobs whose next date is not after it."""
    other = aliased(DagRun)
    last = (
        select(other.id)
        .where(other.dag_id == DagModel.dag_id, other.logical_date.is_not(None))
        .where(other.run_type == DagRunType.SCHEDULED)
        .order_by(other.logical_date.desc())
        .limit(1)
        .correlate(DagModel)
        .scalar_subquery()
    )
    query = (
        select(DagModel.dag_id, DagRun.start_date)
        .join(DagTag, and_(DagTag.dag_id == DagModel.dag_id, DagTag.name == JOB_TAG))
        .join(DagRun, DagRun.id == last)
        .where(DagModel.dag_id.in_(jobs), DagRun.clear_number == 0)
        .where(DagRun.start_date >= DagModel.next_dagrun_create_after)
    )
    return {job: start for job, start in session.execute(query) if start}


def _is_due(runner: SchedulerJobRunner, model: DagModel, covered: dict[str, datetime], session: Session) -> bool:
    """Set the next date after the covered ones; whether it has come. An error does not affect other jobs."""
    try:
        dag = current_dag(runner, model.dag_id, session)
        return dag is None or dag.catchup or _skip(dag, model, covered[model.dag_id])
    except Exception:
        log.exception("cannot skip the missed dates of a job", job=model.dag_id)
        return True


def _skip(dag: SerializedDAG, model: DagModel, start: datetime) -> bool:
    found = dag.timetable.next_run_info_from_dag_model(dag_model=model)
    while found is not None and found.run_after <= start:
        later = next_date(dag, found)
        if later is not None and later.run_after <= found.run_after:
            return True  # a timetable that does not advance
        found = later
    log.info("missed dates have a run", job=dag.dag_id, started=f"{start}", next=f"{found and found.run_after}")
    set_next_date(model, found)
    return found is not None and found.run_after <= clock.now()
