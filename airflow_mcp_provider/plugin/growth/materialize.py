"""Turn reserved places into task instances. This part of growth needs the scheduler's lock.

Runs in the API server: in the request that reserved them, or in a thread of ``background`` where the run is locked.
While the scheduler examines a run it holds the DagRun's row, and reads the length of the map first, the existing
instances later. If rows appeared in between it would mark them REMOVED, and the run would end successful without
them. So everything here happens under that lock, and everything can be done twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock, locks, rows
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run, of_step
from airflow_mcp_provider.plugin.db.states import NOT_STARTED
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth import airflow_internals as airflow
from airflow_mcp_provider.plugin.growth.airflow_internals import TaskMap
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.runtime import size_limits, store_keys

LOCK_TIMEOUT_MS = 4_000
"""Below the runner's own limit of an API call, ``[workers] execution_api_timeout`` (5 s by default)."""
LOST = (TaskInstanceState.REMOVED, TaskInstanceState.SKIPPED)
"""States of an instance whose subtask is wanted and would not run: Airflow removed it, or a stop that is over did."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What a look without a lock shows of a run, at a cost that does not grow with its subtasks.

    ``mapped`` counts the task instances that Airflow maps.
    """

    state: RunState
    mapped: int
    clear_number: int

    @property
    def behind(self) -> bool:
        """Whether places are reserved that Airflow does not map yet."""
        return self.state.instances > self.mapped

    @property
    def halted(self) -> bool:
        """Whether no further subtask may start."""
        return self.state.halted(self.clear_number)


def look(session: Session, run: RunRef) -> Lag | None:
    """Return what is reserved and what Airflow maps; None before the run was planned."""
    state = RunState.read(session, run)
    if state is None:
        return None
    length = select(func.sum(TaskMap.length)).where(*_of_lists(run, state)).scalar_subquery()
    mapped, clear_number = session.execute(select(length, DagRun.clear_number).where(DagRun.id == run.id)).one()
    return Lag(state, mapped or 0, clear_number)


def failed(session: Session, run: RunRef, state: RunState) -> int:
    """Count the task instances that serve one subtask and have failed: a query that grows with the run."""
    alone = TaskInstance.task_id.in_([step.name for step in state.steps if step.batch == 1])
    ended = (*_of_steps(run, state), alone, TaskInstance.state == TaskInstanceState.FAILED)
    return session.scalar(select(func.count()).where(*ended)) or 0


def materialize(session: Session, run: RunRef, *, wait: bool, state: RunState | None = None) -> bool:
    """Make every reserved place a task instance, or skip those not started when the run was stopped.

    ``state`` is the run's state, where the caller holds its lock. Returns False when ``wait`` is off and the scheduler
    holds the run; raises SQLAlchemy's OperationalError when it held it longer than LOCK_TIMEOUT_MS. A run that is not
    running is left alone.
    """
    locked = _lock(session, run, wait=wait)
    if locked is None:
        return False
    now = state or RunState.read(session, run)
    if locked.state == DagRunState.RUNNING and now is not None:
        if now.halted(locked.clear_number):
            _skip_not_started(session, run, now)
        else:
            for step, task_map in _mapped(session, run, now):
                _extend(session, run, locked, step, task_map)
            if wait:
                _label(session, run, now)
    return True


def _lock(session: Session, run: RunRef, *, wait: bool) -> DagRun | None:
    if wait:
        locks.limit_waiting(session, LOCK_TIMEOUT_MS)
    query = airflow.locked(select(DagRun).where(DagRun.id == run.id), session, wait=wait)
    return session.scalars(query.execution_options(populate_existing=True)).unique().one_or_none()


def _mapped(session: Session, run: RunRef, state: RunState) -> Iterator[tuple[Step, TaskMap]]:
    """Give the steps that have more places than Airflow's list of them; before plan has ended there is no list."""
    query = select(TaskMap).where(*_of_lists(run, state)).execution_options(populate_existing=True)
    lists = {task_map.task_id: task_map for task_map in session.scalars(query)}
    for step in state.steps:
        task_map = lists.get(state.list_of(step))
        if task_map is not None and task_map.length < step.instances:
            yield step, task_map


def _extend(session: Session, run: RunRef, locked: DagRun, step: Step, task_map: TaskMap) -> None:
    first = task_map.length
    task_map.length = step.instances
    session.flush()
    there = _instances(session, run, step.name, range(first - 1, step.instances))
    if not there:  # not expanded yet, or to nothing: the scheduler does it, and reads the new length then
        airflow.expand_again(session, run.dag_id, run.run_id, step.name)
        return
    airflow.as_new(session, [one for one in there if one.map_index >= first and one.state in LOST])
    missing = sorted(set(range(first, step.instances)) - {one.map_index for one in there})
    if missing:
        # After an edit of the DAG the new ones are of the version of those beside them, as the scheduler has it.
        version = there[0].dag_version_id
        airflow.add_instances(session, locked, step.name, version, _labels(session, run, step, missing))


def _label(session: Session, run: RunRef, state: RunState) -> None:
    """Name the instances that the scheduler made: people see which subtasks wait, not only how many."""
    columns = (TaskInstance.task_id, TaskInstance.map_index, TaskInstance.id)
    query = select(*columns).where(*_of_steps(run, state), airflow.LABEL.is_(None))
    unnamed = {(task_id, index): instance for task_id, index, instance in session.execute(query)}
    for step in state.steps:
        indexes = [index for task_id, index in unnamed if task_id == step.name]
        named = _labels(session, run, step, indexes) if indexes else {}
        renamed = [{"id": unnamed[step.name, index], "_rendered_map_index": label} for index, label in named.items()]
        if renamed:
            session.execute(update(TaskInstance), renamed)


def _labels(session: Session, run: RunRef, step: Step, indexes: Sequence[int]) -> dict[int, str]:
    """Return each index with its subtask's key (the first of its batch), cut to a label's length."""
    query = select(Store.map_index, Store.value).where(
        Store.dag_run_id == run.id,
        Store.task_id == step.name,
        Store.key == store_keys.ITEM,
        Store.map_index >= min(indexes) * step.batch,
        Store.map_index <= max(indexes) * step.batch,
    )
    if step.batch > 1:
        query = query.where(Store.map_index % step.batch == 0)
    wanted = {index * step.batch: index for index in indexes}
    found = {wanted[i]: rows.parsed(value) for i, value in session.execute(query) if i in wanted}
    # Also of a damaged item a task instance is made, which fails by itself.
    return {index: rows.key_of(found.get(index), step.name, index)[: size_limits.LABEL_CHARS] for index in indexes}


def revive(session: Session, run: RunRef) -> int:
    """Bring back every lost instance of a reserved place; returns how many. Call it after ``materialize``."""
    state = RunState.read(session, run)
    lost = []
    for step in state.steps if state else ():
        there = _instances(session, run, step.name, range(step.instances))
        if step.reserved and not there:
            airflow.expand_again(session, run.dag_id, run.run_id, step.name)
        lost += [one for one in there if one.state in LOST]
    return airflow.as_new(session, lost)


def _skip_not_started(session: Session, run: RunRef, state: RunState) -> None:
    now = clock.now()
    unstarted = TaskInstance.state.is_(None) | TaskInstance.state.in_(NOT_STARTED)
    session.execute(
        update(TaskInstance)
        .where(*_of_steps(run, state, expanded=False), unstarted)
        .values(state=TaskInstanceState.SKIPPED, start_date=now, end_date=now, duration=0)
        .execution_options(synchronize_session=False)
    )


def _of_lists(run: RunRef, state: RunState) -> tuple[ColumnElement[bool], ...]:
    return (
        *of_run(TaskMap, run),
        TaskMap.task_id.in_([state.list_of(step) for step in state.steps]),
        TaskMap.map_index == -1,
    )


def _of_steps(run: RunRef, state: RunState, *, expanded: bool = True) -> tuple[ColumnElement[bool], ...]:
    """Select the subtasks' instances; without ``expanded`` also the unexpanded task instances of later steps."""
    subtask = TaskInstance.map_index >= 0
    return (
        *of_run(TaskInstance, run),
        TaskInstance.task_id.in_(state.names),
        subtask if expanded else subtask | (TaskInstance.task_id != state.names[0]),
    )


def _instances(session: Session, run: RunRef, step: str, indexes: range) -> list[TaskInstance]:
    query = select(TaskInstance).where(
        *of_step(TaskInstance, run, step),
        TaskInstance.map_index >= max(indexes.start, 0),
        TaskInstance.map_index < indexes.stop,
    )
    return list(session.scalars(query.execution_options(populate_existing=True)).unique())
