"""Runs that were made for a subtask of another job: who wants them still, and the end of those whom nobody does.

``end_abandoned`` runs in the scheduler's regular look (``watch``): a caller may end in many ways, by its own failure, a
person's cancel, a time limit, a stop; what is looked at here is only whether it is still there to take the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin import notes
from airflow_mcp_provider.plugin.queue.ending import ended
from airflow_mcp_provider.plugin.queue.seam import (
    DBDagBag,
    SerializedDagModel,
    default_args,
    guarded,
    set_dag_run_state_to_failed,
)
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.plugin.tables import DagRun, DagRunState, Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.runtime import wire
from airflow_mcp_provider.spec.marker import KEY, Marker

CALLER = "mcp.caller"
"""Row of plan, in a run that was made for a subtask: the subtask's place."""
REASON = "failed: the subtask that this run was made for is over"
OVER = (
    TaskInstanceState.SUCCESS,
    TaskInstanceState.FAILED,
    TaskInstanceState.SKIPPED,
    TaskInstanceState.REMOVED,
    TaskInstanceState.UPSTREAM_FAILED,
)

log = structlog.get_logger(__name__)


def markers(session: Session, jobs: Iterable[str]) -> dict[str, Marker]:
    """Read the markers of jobs from their newest serialized DAGs; what is no job is left out."""
    found: dict[str, Marker] = {}
    for job in jobs:
        row = SerializedDagModel.get(job, session=session)
        value = default_args(row).get(KEY) if row else None
        if value is not None:
            found[job] = Marker.read(value)
    return found


def end_abandoned(session: Session, settings: GateSettings) -> None:
    """End every active run whose caller is over; a lock that another one holds is not waited for long."""
    query = (
        select(DagRun, Store.value)
        .join(Store, (Store.dag_run_id == DagRun.id) & (Store.key == CALLER))
        .where(DagRun.state.in_([DagRunState.QUEUED, DagRunState.RUNNING]))
    )
    for run, value in session.execute(query).unique().all():
        if not _is_wanted(session.connection(), run.run_id, json.loads(value)):
            with guarded(session, settings.lock_timeout):
                _end(session, run)
                session.flush()
            ended(run, REASON, settings)


def _is_wanted(connection: Connection, run_id: str, caller: dict[str, Any]) -> bool:
    """Whether the caller is at it, and waits for this run: one that is planned or tried again may have another."""
    place = (Store.task_id == TaskInstance.task_id) & (Store.map_index == TaskInstance.map_index)
    query = (
        select(DagRun.state, TaskInstance.state, Store.value)
        .join(TaskInstance, (TaskInstance.dag_id == DagRun.dag_id) & (TaskInstance.run_id == DagRun.run_id))
        .join(Store, (Store.dag_run_id == DagRun.id) & place & (Store.key == wire.CALLED))
        .where(DagRun.id == caller["run"])
        .where(TaskInstance.task_id == caller["task_id"], TaskInstance.map_index == caller["map_index"])
    )
    found = connection.execute(query).first()
    if found is None or found[0] in (DagRunState.FAILED, DagRunState.SUCCESS) or found[1] in OVER:
        return False
    return bool(json.loads(found[2])["run"] == run_id)


def _end(session: Session, run: DagRun) -> None:
    dag = DBDagBag(load_op_links=False).get_dag_for_run(run, session=session)
    if dag is None:
        return
    set_dag_run_state_to_failed(dag=dag, run_id=run.run_id, commit=True, session=session)
    notes.put(session.connection(), run.id, REASON)
    log.warning("run ended", job=run.dag_id, run=run.run_id, reason=REASON)
