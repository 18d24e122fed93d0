"""Runs that end without their report: unstarted runs of the queue, timed out runs, and runs ended by a user.

Runs in the scheduler (queue and run timeouts) and in the API server (a user ends a run), in the transaction of the
caller. Airflow leaves the task instances of such runs in misleading states, which are corrected here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.orm import Session, object_session

from airflow_mcp_provider.plugin.db import clock, run_notes
from airflow_mcp_provider.plugin.db.identity import of_run
from airflow_mcp_provider.plugin.db.locks import savepoint, skip_locked
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.queue import slot
from airflow_mcp_provider.plugin.queue.airflow_internals import RUN_STATE
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.durations import human

TIMED_OUT = "timed_out"
BY_ITSELF = ("success", "task_failure", "all_tasks_deadlocked")
"""Messages to listeners of Airflow's scheduler when a run ends; any other message means that a user ended it."""

log = structlog.get_logger(__name__)


def end_unstarted(session: Session, connection: Connection, reasons: Mapping[int, str]) -> list[int]:
    """Fail queued runs; ``reasons`` are notes by DagRun.id. Returns the ids of the ended runs, without locked ones."""
    queued = select(DagRun.id, DagRun.dag_id, DagRun.run_id).where(
        DagRun.id.in_(list(reasons)), DagRun.state == DagRunState.QUEUED
    )
    ended = connection.execute(skip_locked(queued, session, DagRun)).all()
    for number, dag_id, run_id in ended:
        _fail(connection, number, dag_id, run_id, reasons[number])
    return [row[0] for row in ended]


def _fail(connection: Connection, number: int, dag_id: str, run_id: str, reason: str) -> None:
    now = clock.now()
    connection.execute(
        update(DagRun).where(DagRun.id == number).values({RUN_STATE: DagRunState.FAILED, DagRun.end_date: now})
    )
    _end_tasks(connection, dag_id, run_id, TaskInstance.state.is_(None), TaskInstanceState.SKIPPED)
    run_notes.put(connection, number, reason)
    log.warning("gate", job=dag_id, run=run_id, decision="ended", reason=reason)


def ended(dag_run: DagRun, msg: str, settings: GateSettings) -> None:
    """Handle the end of ``dag_run`` by a timeout or by a user; ``msg`` is the message to listeners."""
    session = object_session(dag_run)
    if msg in BY_ITSELF or session is None:
        return
    with savepoint(session, settings.lock_timeout) as connection:
        alive = _end_timed_out(connection, dag_run) if msg == TIMED_OUT else _alive(connection, dag_run, settings)
        if alive and settings.end_grace:
            slot.keep(connection, dag_run, timedelta(seconds=settings.end_grace))


def _end_timed_out(connection: Connection, run: DagRun) -> bool:
    """Fail the tasks that were running, which Airflow has set to SKIPPED; returns whether there were any."""
    unfinished = TaskInstance.end_date.is_(None) & (TaskInstance.state == TaskInstanceState.SKIPPED)
    begun = TaskInstance.start_date.is_not(None)
    running = _end_tasks(connection, run.dag_id, run.run_id, unfinished & begun, TaskInstanceState.FAILED)
    waiting = _end_tasks(connection, run.dag_id, run.run_id, unfinished & ~begun, TaskInstanceState.SKIPPED)
    limit = f" ({human(run.dag.dagrun_timeout)})" if run.dag and run.dag.dagrun_timeout else ""
    reason = f"failed: timeouts.run{limit} passed: {running} running tasks were ended, {waiting} were not started"
    run_notes.put(connection, run.id, reason)
    log.warning("gate", job=run.dag_id, run=run.run_id, decision="ended", reason=reason)
    return running > 0


def _alive(connection: Connection, run: DagRun, settings: GateSettings) -> bool:
    recent = clock.now() - timedelta(seconds=settings.end_grace)
    query = select(TaskInstance.id).where(*of_run(TaskInstance, run), TaskInstance.last_heartbeat_at > recent)
    return connection.execute(query.limit(1)).first() is not None


def _end_tasks(
    connection: Connection, dag_id: str, run_id: str, which: ColumnElement[bool], state: TaskInstanceState
) -> int:
    now: Any = clock.now()
    changed = connection.execute(
        update(TaskInstance)
        .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, which)
        .values(state=state, start_date=func.coalesce(TaskInstance.start_date, now), end_date=now)
    )
    return changed.rowcount
