"""End a run from outside: no further task of it starts, and the tasks that work are asked to end.

Runs in the API server (a user cancels) and in the scheduler (a newer run replaces it, its subtask is gone), in a
transaction of its own. The locks are taken in the order of the scheduler: first the run, which it examines and growth
adds task instances to, then the state of growth, then the task instances. Airflow's own cancel begins with these, and
so deadlocks with its scheduler now and then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock, locks, run_end, run_notes
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.run_end import DEFAULT_GRACE, End
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import OVER, RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.queue.airflow_internals import dag_bag, lock_run
from airflow_mcp_provider.runtime import store_keys

WORKING = (TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING, TaskInstanceState.DEFERRED)
AT_ONCE = 1_000
"""Task instances of an UPDATE."""
MSG = "ended by airflow-mcp-provider"
"""The message to listeners: what our own listener would do is done here."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reached:
    """What an end reached: numbers of task instances. ``was_active``: the run had not ended before."""

    was_active: bool = False
    running: int = 0
    waiting: int = 0


def end_run(session: Session, run: RunRef, end: End, end_grace: float) -> Reached:
    """End the run; a run that has ended before is left as it is. No task of it starts after the commit.

    The caller limits the time for locks (``locks.limit_waiting``). Raises SQLAlchemy's OperationalError after it, and
    for a deadlock: nothing was changed then, and the same call is right.
    """
    locked = lock_run(session, run.id)
    if locked is None or locked.state not in RUN_ACTIVE:
        return Reached()
    lock_growth(session, run)
    running, waiting = _end_tasks(session, run)
    locked.set_state(DagRunState.FAILED)
    session.flush()
    _publish(session.connection(), run, end, end_grace, running)
    _notify(session, locked)
    log.warning("run ended", job=run.dag_id, run=run.run_id, reason=end.text, running=running, waiting=waiting)
    return Reached(was_active=True, running=running, waiting=waiting)


def lock_growth(session: Session, run: RunRef) -> None:
    """Wait for the requests of runners that have begun; later ones find that the run has ended."""
    row = (Store.dag_run_id == run.id, Store.task_id == PLAN, Store.map_index == -1, Store.key == store_keys.RUN)
    session.execute(
        update(Store).where(*row).values(updated_at=clock.now()).execution_options(synchronize_session=False)
    )


def _end_tasks(session: Session, run: RunRef) -> tuple[int, int]:
    """End the run's tasks, and count those that were working and those that were not."""
    query = (
        select(TaskInstance.id, TaskInstance.state)
        .where(*of_run(TaskInstance, run), TaskInstance.state.is_(None) | TaskInstance.state.not_in(OVER))
        .order_by(TaskInstance.id)
    )
    found = session.execute(locks.wait_locked(query, session, TaskInstance)).all()
    working = [number for number, state in found if state in WORKING]
    others = [number for number, state in found if state not in WORKING]
    _set(session, working, TaskInstanceState.FAILED)
    _set(session, others, TaskInstanceState.SKIPPED)
    return len(working), len(others)


def _set(session: Session, instances: list[Any], state: TaskInstanceState) -> None:
    now: Any = clock.now()
    values: Mapping[str, Any] = {
        "state": state,
        "start_date": func.coalesce(TaskInstance.start_date, now),
        "end_date": now,
    }
    for first in range(0, len(instances), AT_ONCE):
        here: ColumnElement[bool] = TaskInstance.id.in_(instances[first : first + AT_ONCE])
        changed = update(TaskInstance).where(here).values(**values)
        session.execute(changed.execution_options(synchronize_session=False))


def _publish(connection: Connection, run: RunRef, end: End, end_grace: float, running: int) -> None:
    """Write how the run ended, and keep the slot as long as its processes may work."""
    if running or seen_lately(connection, run, end_grace):
        end = replace(end, until=until(end, end_grace))
    run_end.put(connection, run, end)
    if end.until is not None:
        run_end.hold(connection, run.dag_id, run.run_id, end.until)
    run_notes.put(connection, run.id, end.note)


def until(end: End, end_grace: float) -> Any:  # noqa: ANN401 - a datetime of pendulum
    """Return when the processes of a run that ends now have ended; ``end_grace`` contains the default grace."""
    return clock.now() + timedelta(seconds=end_grace + max(0.0, end.grace - DEFAULT_GRACE))


def seen_lately(connection: Connection, run: RunRef | DagRun, seconds: float) -> bool:
    """Whether a task of the run had a heartbeat in the last seconds, in whatever state it is now."""
    recent = clock.now() - timedelta(seconds=seconds)
    query = select(TaskInstance.id).where(*of_run(TaskInstance, run), TaskInstance.last_heartbeat_at > recent)
    return connection.execute(query.limit(1)).first() is not None


def _notify(session: Session, run: DagRun) -> None:
    """Call the listeners of other plugins, as Airflow does for a run that a user ends."""
    try:
        if run.dag is None:
            run.dag = dag_bag().get_dag_for_run(run, session=session)
        run.notify_dagrun_state_changed(msg=MSG)
    except Exception:
        log.exception("a listener failed at the end of a run", job=run.dag_id, run=run.run_id)
