"""Turn reserved places into task instances: the half of growth that needs the scheduler's lock.

Runs in the API server: in the request that reserved them where the run's row is free, else in ``settler``'s thread.
While the scheduler examines a run it holds the DagRun's row, and reads the length of the map first, the existing
instances later. If rows appeared in between it would mark them REMOVED, and the run would end successful without
them. So everything here happens under that lock, and everything can be done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists, func, select, text, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin import airflow_seam as airflow
from airflow_mcp_provider.plugin.airflow_seam import (
    DagRun,
    DagRunState,
    TaskInstance,
    TaskInstanceState,
    TaskMap,
)
from airflow_mcp_provider.plugin.reserve import Reserved, labels
from airflow_mcp_provider.plugin.store import PLAN, RUN_TASK, RunRef

LOCK_TIMEOUT_MS = 4_000
"""Below the runner's own limit of an API call, ``[workers] execution_api_timeout`` (5 s)."""
NOT_STARTED = (
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.UP_FOR_RETRY,
    TaskInstanceState.UP_FOR_RESCHEDULE,
)
LOST = (TaskInstanceState.REMOVED, TaskInstanceState.SKIPPED)
"""States of an instance whose subtask is wanted and would not run: Airflow removed it, or a stop that is over did."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What a look without a lock shows of a run."""

    state: Reserved
    mapped: int
    failed: int
    unlabelled: bool
    clear_number: int

    @property
    def behind(self) -> bool:
        """Whether places are reserved that Airflow does not map yet, or mapped that show no key."""
        return self.state.reserved > self.mapped or self.unlabelled


def look(session: Session, run: RunRef) -> Lag | None:
    """See how far growth is; None before the run was planned."""
    state = Reserved.read(session, run)
    if state is None:
        return None
    length = select(TaskMap.length).where(*_of_plan(run)).scalar_subquery()
    failed = select(func.count()).where(*_of_run(run), TaskInstance.state == TaskInstanceState.FAILED).scalar_subquery()
    unlabelled = exists().where(*_of_run(run), airflow.LABEL.is_(None))
    row = session.execute(select(length, failed, unlabelled, DagRun.clear_number).where(DagRun.id == run.id)).one()
    return Lag(state, row[0] or 0, *row[1:])


def settle(session: Session, run: RunRef, *, wait: bool, state: Reserved | None = None) -> bool:
    """Make every reserved place a task instance, or skip those not started when the run was stopped.

    ``state`` is the counter, where the caller holds its lock. Returns False when ``wait`` is off and the scheduler
    holds the run; raises SQLAlchemy's OperationalError when it held it longer than LOCK_TIMEOUT_MS. A run that is not
    running is left alone.
    """
    locked = _lock(session, run, wait=wait)
    if locked is None:
        return False
    now = state or Reserved.read(session, run)
    if locked.state == DagRunState.RUNNING and now is not None:
        if now.halted(locked.clear_number):
            _skip_not_started(session, run)
        else:
            _extend(session, run, locked, now.reserved)
            if wait:
                _label(session, run)
    return True


def _lock(session: Session, run: RunRef, *, wait: bool) -> DagRun | None:
    if wait and session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
    query = airflow.locked(select(DagRun).where(DagRun.id == run.id), session, wait=wait)
    return session.scalars(query.execution_options(populate_existing=True)).unique().one_or_none()


def _extend(session: Session, run: RunRef, locked: DagRun, reserved: int) -> None:
    task_map = session.scalars(
        select(TaskMap).where(*_of_plan(run)).execution_options(populate_existing=True)
    ).one_or_none()
    if task_map is None or task_map.length >= reserved:  # plan has not ended yet, or there is nothing to do
        return
    first = task_map.length
    task_map.length = reserved
    session.flush()
    there = _instances(session, run, range(first - 1, reserved))
    if not there:  # not expanded yet: the scheduler does it, and reads the new length then
        return
    airflow.as_new(session, [one for one in there if one.map_index >= first and one.state in LOST])
    missing = sorted(set(range(first, reserved)) - {one.map_index for one in there})
    if missing:
        # After an edit of the DAG the new ones are of the version of those beside them, as the scheduler has it.
        version = there[0].dag_version_id
        airflow.add_instances(session, locked, RUN_TASK, version, labels(session, run, missing))


def _label(session: Session, run: RunRef) -> None:
    """Name the instances that the scheduler made: people see which subtasks wait, not only how many."""
    query = select(TaskInstance.id, TaskInstance.map_index).where(*_of_run(run), airflow.LABEL.is_(None))
    unnamed = {index: instance for instance, index in session.execute(query)}
    if unnamed:
        named = labels(session, run, list(unnamed))
        rows = [{"id": unnamed[index], "_rendered_map_index": label} for index, label in named.items()]
        session.execute(update(TaskInstance), rows)


def revive(session: Session, run: RunRef) -> int:
    """Bring back every lost instance of a reserved place; returns how many. Call it under the lock, after settle."""
    state = Reserved.read(session, run)
    if state is None or not state.reserved:
        return 0
    lost = [one for one in _instances(session, run, range(state.reserved)) if one.state in LOST]
    return airflow.as_new(session, lost)


def _skip_not_started(session: Session, run: RunRef) -> None:
    now = datetime.now(UTC)
    unstarted = TaskInstance.state.is_(None) | TaskInstance.state.in_(NOT_STARTED)
    session.execute(
        update(TaskInstance)
        .where(*_of_run(run), unstarted)
        .values(state=TaskInstanceState.SKIPPED, start_date=now, end_date=now, duration=0)
        .execution_options(synchronize_session=False)
    )


def _of_plan(run: RunRef) -> tuple[ColumnElement[bool], ...]:
    return (
        TaskMap.dag_id == run.dag_id,
        TaskMap.run_id == run.run_id,
        TaskMap.task_id == PLAN,
        TaskMap.map_index == -1,
    )


def _of_run(run: RunRef) -> tuple[ColumnElement[bool], ...]:
    return (
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        TaskInstance.task_id == RUN_TASK,
        TaskInstance.map_index >= 0,
    )


def _instances(session: Session, run: RunRef, indexes: range) -> list[TaskInstance]:
    query = select(TaskInstance).where(
        *_of_run(run), TaskInstance.map_index >= indexes.start, TaskInstance.map_index < indexes.stop
    )
    return list(session.scalars(query.execution_options(populate_existing=True)).unique())
