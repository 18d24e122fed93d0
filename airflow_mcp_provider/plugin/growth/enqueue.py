"""Give new subtasks their places in a run. This part of growth needs no lock of the scheduler.

Runs in the API server, in the transaction of the enqueue request. A place is a map index of a step. The subtask's item
is written into the state store of the task instance that will have that map index. From the commit on the subtask is
durable; ``materialize`` makes the task instances, at once or as soon as the scheduler releases the run. ``run_state``
counts the places, and has the lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from airflow.configuration import conf
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, RunIsOver
from airflow_mcp_provider.plugin.child_runs.start import check
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.db.states import ENDED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.airflow_internals import as_new, map_over_nothing, task_ids
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import Enqueued
from airflow_mcp_provider.runtime.messages import Item
from airflow_mcp_provider.runtime.payload import Child, checked_key, child_of
from airflow_mcp_provider.runtime.request_types import Begin, Enqueue

OF_SUBTASKS = (
    store_keys.ITEM,
    store_keys.CONTINUED,
    store_keys.OUTCOME,
    store_keys.FINAL,
    store_keys.PROGRESS,
    store_keys.CALLED,
    store_keys.BATCH,
)
"""Rows of subtasks, which are removed when plan starts again."""


def begin(session: Session, run: RunRef, limits: Begin) -> RunState:
    """Plan starts, or starts again: remove an earlier plan's subtasks, and run again what they became.

    Raises InvalidPayload.
    """
    state = RunState.begun(limits)
    _check_names(session, run, state)
    state.write(session, run)
    state_store.forget(session, run, [PLAN], Store.key.startswith(store_keys.KEY, autoescape=True))
    state_store.forget(session, run, state.names, Store.key.in_(OF_SUBTASKS))
    ended = select(TaskInstance).where(
        *of_run(TaskInstance, run),
        TaskInstance.task_id.in_([*state.names, REPORT]),
        TaskInstance.state.is_not(None),
        TaskInstance.state != TaskInstanceState.REMOVED,
    )
    as_new(session, session.scalars(ended).unique().all())
    for step in state.steps[1:]:
        map_over_nothing(session, run.dag_id, run.run_id, state.list_of(step), step.name)
    return state


def _check_names(session: Session, run: RunRef, state: RunState) -> None:
    """Raise InvalidPayload unless steps, and the lists that later ones map over, are different tasks of the DAG."""
    wanted = [*state.names, *(state.list_of(step) for step in state.steps[1:])]
    unknown = set(wanted) - task_ids(session, run)
    taken = [name for name in state.names if name in {PLAN, REPORT} or name.endswith(store_keys.PLACES)]
    if unknown or taken or len(set(wanted)) < len(wanted):
        raise InvalidPayload(f"invalid begin.steps {', '.join(wanted)[:500]}; expected different tasks of {run.dag_id}")
    if state.steps[0].wait:
        raise InvalidPayload(f"invalid begin.steps.0.wait of {state.names[0]}; expected false: no step is before it")


@dataclass(frozen=True, slots=True)
class Enqueuing:
    """An enqueue request whose children have been checked: the step that asks, and its children by their row keys.

    ``parent`` is the subtask that asks, None for plan; ``trace`` is the span of its runner.
    """

    task_id: str
    step: str
    parent: Item | None
    children: Mapping[str, Child]
    trace: str | None = None

    @classmethod
    def of(cls, state: RunState, task_id: str, request: Enqueue, parent: Item | None) -> Self:
        """Check payloads and keys again: any client with the task's token can reach this. Raises InvalidPayload."""
        children: dict[str, Child] = {}  # the first of two with one key stands
        for entry in request.children:
            child = child_of(entry.payload, checked_key(entry.key), None, entry.job)
            state.check_fields(child.payload)
            children.setdefault(store_keys.row_key(child.key), child)
        return cls(task_id, state.step(task_id).name, parent, children, request.trace)

    @property
    def depth(self) -> int:
        """Count the parents of the new subtasks."""
        return 0 if self.parent is None else self.parent.depth + 1


class Reservation:
    """Gives places to the children of several runners, in one transaction under the lock of the run's state.

    ``write`` stores, in one statement each, what was given.
    """

    def __init__(self, session: Session, run: RunRef, state: RunState, asked: Sequence[Enqueuing]) -> None:
        self.state = state
        self._session = session
        self._run = run
        self._known = _known(session, run, {row for one in asked for row in one.children})
        self._rows: list[tuple[str, int, str, Any]] = []

    def reserve(self, asked: Enqueuing) -> Enqueued:
        """Give each new child its place.

        Raises LimitReached, SpecError for a job that this one may not run; no place was given then.
        """
        new = {row: child for row, child in asked.children.items() if row not in self._known}
        self.state.check_limits(asked.step, len(new), asked.depth)
        for job in {child.job for child in new.values() if child.job}:
            check(self._session, self._run.dag_id, job)
        if new:
            self._place(asked, new)
        step = self.state.step(asked.step)
        return Enqueued(len(new), step.filled, step.instances, conf.getint("core", "max_map_length"))

    def write(self) -> RunState:
        """Store what was given; returns the run's state."""
        state_store.add(self._session, self._run, self._rows)
        self.state.write(self._session, self._run)
        return self.state

    def _place(self, asked: Enqueuing, new: Mapping[str, Child]) -> None:
        self.state = room(self._session, self._run, self.state, self.state.step(asked.step))
        step = self.state.step(asked.step)
        parent = None if asked.parent is None else asked.parent.key
        for index, (row, child) in enumerate(new.items(), start=step.reserved):
            item = Item(child.key, child.payload, parent, asked.depth, child.job, trace=asked.trace)
            self._rows += [(PLAN, -1, row, {step.name: index}), (step.name, index, store_keys.ITEM, item)]
        self._known |= new.keys()
        self.state = self.state.grown(step.name, len(new), len(new))


def room(session: Session, run: RunRef, state: RunState, step: Step) -> RunState:
    """Return the state without free places in a batch whose runner has ended: it does no further subtask."""
    if step.open is None:
        return state
    query = select(TaskInstance.state).filter_by(
        dag_id=run.dag_id, run_id=run.run_id, task_id=step.name, map_index=step.open
    )
    return state.closed(step.name) if session.scalar(query) in ENDED else state


def planned(state: RunState | None) -> RunState:
    """Return the run's state; raises RunIsOver where there is none."""
    if state is None:
        raise RunIsOver("this run has no plan: it was planned without the plugin, or its state was cleaned up")
    return state


def _known(session: Session, run: RunRef, rows: Collection[str]) -> set[str]:
    if not rows:
        return set()
    query = select(Store.key).where(
        Store.dag_run_id == run.id, Store.task_id == PLAN, Store.map_index == -1, Store.key.in_(rows)
    )
    return set(session.scalars(query))
