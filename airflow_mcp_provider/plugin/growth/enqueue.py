"""Give subtasks their places in a run: the half of growth that needs no lock of the scheduler's.

Runs in the API server, in the transaction of ``enqueue``'s request. A place is a map index of a step, and the subtask's
item is written into the state store of the task instance that will stand there. From the commit on the subtask is
durable; ``instances`` makes the task instances, at once or as soon as the scheduler lets go of the run. The counter of
the places, and its lock, are ``reserved``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from airflow.configuration import conf
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, LimitReached, RunIsOver
from airflow_mcp_provider.plugin.child_runs.start import check
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.db.states import ENDED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.airflow_internals import as_new, map_over_nothing
from airflow_mcp_provider.plugin.growth.run_state import Reserved, Step
from airflow_mcp_provider.runtime import protocol, redaction
from airflow_mcp_provider.runtime.payload import Child, checked_key, child_of
from airflow_mcp_provider.spec.step import RUN

OF_SUBTASKS = (protocol.ITEM, protocol.OUTCOME, protocol.PROGRESS, protocol.CALLED, protocol.BATCH)
"""Rows that a plan which begins again leaves nothing of."""


def begin(session: Session, run: RunRef, limits: dict[str, Any]) -> Reserved:
    """Plan starts, or starts again: forget an earlier plan's subtasks and have all that they became run again."""
    state = Reserved.of(limits)
    state.write(session, run)
    state_store.forget(session, run, [PLAN], Store.key.startswith(protocol.KEY, autoescape=True))
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


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An ``enqueue`` whose form has been checked: the step that asks, and its children by the names of their rows."""

    task_id: str
    step: str
    parent: str | None
    depth: int
    children: Mapping[str, Child]

    @classmethod
    def of(cls, state: Reserved, task_id: str, body: Mapping[str, Any]) -> Self:
        """Check the form again: any client with the task's token can reach this. Raises InvalidPayload."""
        depth, parent = body.get("depth"), body.get("parent")
        if type(depth) is not int or depth < 0 or not isinstance(parent, str | None):
            raise InvalidPayload(
                f"depth is a number from 0 on and parent a key; given {redaction.shown(depth)}, "
                f"{redaction.shown(parent)}"
            )
        if parent is not None:
            checked_key(parent)
        children: dict[str, Child] = {}  # the first of two with one key stands
        for child in _listed(body.get("children")):
            _check_fields(child.payload, state)
            children.setdefault(protocol.row_key(child.key), child)
        return cls(task_id, state.step(task_id).name, parent, depth, children)


class Reserving:
    """Gives places to the children of several runners, in one transaction under the counter's lock.

    ``state`` is the counter. ``write`` keeps, in one statement each, what was given.
    """

    def __init__(self, session: Session, run: RunRef, state: Reserved, asked: Sequence[Enqueued]) -> None:
        self.state = state
        self._session = session
        self._run = run
        self._known = _known(session, run, {row for one in asked for row in one.children})
        self._rows: list[tuple[str, int, str, Any]] = []

    def reserve(self, asked: Enqueued) -> dict[str, Any]:
        """Give each new child its place; returns the answer.

        Raises LimitReached, SpecError for a job that this one may not run; nothing was given then.
        """
        new = {row: child for row, child in asked.children.items() if row not in self._known}
        _check_limits(self.state.step(asked.step), len(new), asked.depth)
        for job in {child.job for child in new.values() if child.job}:
            check(self._session, self._run.dag_id, job)
        if new:
            self._place(asked, new)
        return {"new": len(new), **_known_places(self.state.step(asked.step))}

    def write(self) -> Reserved:
        """Keep what was given; returns the counter."""
        state_store.add(self._session, self._run, self._rows)
        self.state.write(self._session, self._run)
        return self.state

    def _place(self, asked: Enqueued, new: Mapping[str, Child]) -> None:
        self.state = room(self._session, self._run, self.state, self.state.step(asked.step))
        step = self.state.step(asked.step)
        for index, (row, child) in enumerate(new.items(), start=step.reserved):
            item = {"key": child.key, "payload": child.payload, "parent": asked.parent, "depth": asked.depth}
            item |= {"job": child.job} if child.job else {}
            self._rows += [(PLAN, -1, row, {step.name: index}), (step.name, index, protocol.ITEM, item)]
        self._known |= new.keys()
        self.state = self.state.grown(step.name, len(new), len(new))


def _known_places(step: Step) -> dict[str, int]:
    mappable = conf.getint("core", "max_map_length")
    return {"reserved": step.filled, "instances": step.instances, "mappable": mappable}


def room(session: Session, run: RunRef, state: Reserved, step: Step) -> Reserved:
    """Return the counter with no place free that nobody would come to: a runner that has ended takes none any more."""
    if step.open is None:
        return state
    query = select(TaskInstance.state).filter_by(
        dag_id=run.dag_id, run_id=run.run_id, task_id=step.name, map_index=step.open
    )
    return state.closed(step.name) if session.scalar(query) in ENDED else state


def planned(state: Reserved | None) -> Reserved:
    """Return the counter; raises RunIsOver where there is none."""
    if state is None:
        raise RunIsOver("this run has no plan: it was planned without the plugin, or its state was cleaned up")
    return state


def _listed(listed: object) -> list[Child]:
    if isinstance(listed, list) and len(listed) > protocol.BATCH_CHILDREN:
        raise InvalidPayload(f"one question has at most {protocol.BATCH_CHILDREN} children; given {len(listed)}")
    if not isinstance(listed, list) or not all(isinstance(one, list) and len(one) in {2, 3} for one in listed):
        raise InvalidPayload("children is a list of [key, payload, job]; is a [workers] state_store_backend set?")
    return [child_of(payload, checked_key(key), None, *job) for key, payload, *job in listed]


def _check_fields(payload: dict[str, Any], state: Reserved) -> None:
    """A later step finds a step's result where the payload would have a field of that name."""
    hidden = [step.name for step in state.steps[:-1] if step.name in payload]
    if hidden:
        raise InvalidPayload(f"the payload has the field {hidden[0]!r}, which is a step whose result would hide it")


def _known(session: Session, run: RunRef, rows: Collection[str]) -> set[str]:
    if not rows:
        return set()
    query = select(Store.key).where(
        Store.dag_run_id == run.id, Store.task_id == PLAN, Store.map_index == -1, Store.key.in_(rows)
    )
    return set(session.scalars(query))


def _check_limits(step: Step, new: int, depth: int) -> None:
    if new and depth > step.depth:
        raise LimitReached(f"this subtask would have {depth} parents; subtasks.depth allows {step.depth}")
    check_room(step, new)


def check_room(step: Step, new: int) -> None:
    """Raise LimitReached where a step cannot have ``new`` subtasks more."""
    if step.filled + new > step.limit:
        who = "run" if step.name == RUN else f"step {step.name}"
        raise LimitReached(f"the {who} would have {step.filled + new} subtasks; subtasks.limit is {step.limit}")
