"""Runs that end without their report: unstarted runs of the queue, timed out runs, and runs ended by a user.

Runs in the scheduler (queue and run timeouts) and in the API server (a user ends a run by Airflow's UI or REST API), in
the transaction of the caller. Airflow leaves the task instances of such runs in misleading states, which are corrected
here. What this package ends by itself is in ``cancel``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.orm import Session, object_session

from airflow_mcp_provider.plugin.db import clock, run_end, run_notes
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.locks import savepoint, skip_locked
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Log, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.notices.requests import unstarted
from airflow_mcp_provider.plugin.queue import finished
from airflow_mcp_provider.plugin.queue.airflow_internals import RUN_STATE
from airflow_mcp_provider.plugin.queue.cancel import MSG, seen_lately, until
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.durations import human

TIMED_OUT = "timed_out"
BY_ITSELF = ("success", "task_failure", "all_tasks_deadlocked")
"""Messages to listeners of Airflow's scheduler when a run ends; any other message means that a user ended it."""
GIVEN_UP = "heartbeat timeout"
"""The event in the audit log when the scheduler gives a runner up whose heartbeats are missing."""
MOMENT = timedelta(seconds=10)

log = structlog.get_logger(__name__)


def end_unstarted(session: Session, connection: Connection, ends: Mapping[int, End]) -> list[int]:
    """Fail queued runs; ``ends`` are by DagRun.id. Returns the ids of the ended runs, without locked ones."""
    queued = select(DagRun.id, DagRun.dag_id, DagRun.run_id).where(
        DagRun.id.in_(list(ends)), DagRun.state == DagRunState.QUEUED
    )
    ended = [RunRef(*row) for row in connection.execute(skip_locked(queued, session, DagRun))]
    for run in ended:
        _fail(connection, run, ends[run.id])
    unstarted(session, connection, {run: ends[run.id] for run in ended})
    return [run.id for run in ended]


def _fail(connection: Connection, run: RunRef, end: End) -> None:
    now = clock.now()
    connection.execute(
        update(DagRun).where(DagRun.id == run.id).values({RUN_STATE: DagRunState.FAILED, DagRun.end_date: now})
    )
    _end_tasks(connection, run, TaskInstance.state.is_(None), TaskInstanceState.SKIPPED)
    run_end.put(connection, run, end)
    run_notes.put(connection, run.id, end.note)
    log.warning("gate", job=run.dag_id, run=run.run_id, decision="ended", reason=end.note)
    finished.say(connection, run, DagRunState.FAILED, end.note)


def ended(dag_run: DagRun, msg: str, settings: GateSettings) -> None:
    """Handle the end of ``dag_run``; ``msg`` is the message to listeners."""
    session = object_session(dag_run)
    if session is None:
        return
    run = RunRef(dag_run.id, dag_run.dag_id, dag_run.run_id)
    with savepoint(session, settings.lock_timeout) as connection:
        finished.say(connection, run, str(dag_run.state), msg)
        if msg == MSG:  # ``cancel.end_run`` has done the rest
            return
        end, alive = _judge(connection, dag_run, msg, settings)
        last = until(end or End(Reason.CANCELLED, ""), settings.end_grace) if alive and settings.end_grace else None
        if last is not None:
            run_end.hold(connection, run.dag_id, run.run_id, last)
        if end is not None and run_end.of_run(connection, run.id) is None:
            run_end.put(connection, run, replace(end, until=last))


def _judge(connection: Connection, run: DagRun, msg: str, settings: GateSettings) -> tuple[End | None, bool]:
    """Return how the run ended (None: by itself, or marked as success), and whether its processes may work."""
    if msg == TIMED_OUT:
        return _end_timed_out(connection, run)
    if msg in BY_ITSELF:
        return None, _was_given_up(connection, run, settings.end_grace)
    alive = seen_lately(connection, run, settings.end_grace)
    return (End(Reason.CANCELLED, msg) if _just_failed(run) else None), alive


def _just_failed(run: DagRun) -> bool:
    """Whether the run has failed now; Airflow also calls listeners for one that had failed before."""
    return run.state == DagRunState.FAILED and run.end_date is not None and run.end_date > clock.now() - MOMENT


def _was_given_up(connection: Connection, run: DagRun, seconds: float) -> bool:
    """Whether a runner of the run was given up in the last seconds: if it only hung, it may wake and work."""
    since = clock.now() - timedelta(seconds=seconds)
    query = select(Log.id).where(*of_run(Log, run), Log.event == GIVEN_UP, Log.dttm > since)
    return connection.execute(query.limit(1)).first() is not None


def _end_timed_out(connection: Connection, run: DagRun) -> tuple[End, bool]:
    """Fail the tasks that were running, which Airflow has set to SKIPPED; returns whether there were any, too."""
    unfinished = TaskInstance.end_date.is_(None) & (TaskInstance.state == TaskInstanceState.SKIPPED)
    begun = TaskInstance.start_date.is_not(None)
    running = _end_tasks(connection, run, unfinished & begun, TaskInstanceState.FAILED)
    waiting = _end_tasks(connection, run, unfinished & ~begun, TaskInstanceState.SKIPPED)
    limit = f" ({human(run.dag.dagrun_timeout)})" if run.dag and run.dag.dagrun_timeout else ""
    end = End(
        Reason.TIMEOUT, f"timeouts.run{limit} passed: {running} running tasks were ended, {waiting} were not started"
    )
    run_notes.put(connection, run.id, end.note)
    log.warning("gate", job=run.dag_id, run=run.run_id, decision="ended", reason=end.note)
    return end, running > 0


def _end_tasks(
    connection: Connection, run: RunRef | DagRun, which: ColumnElement[bool], state: TaskInstanceState
) -> int:
    now: Any = clock.now()
    changed = connection.execute(
        update(TaskInstance)
        .where(*of_run(TaskInstance, run), which)
        .values(state=state, start_date=func.coalesce(TaskInstance.start_date, now), end_date=now)
    )
    return changed.rowcount
