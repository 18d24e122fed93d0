"""Give subtasks their places in a run: the half of growth that needs no lock of the scheduler's.

Runs in the API server, in the transaction of ``enqueue``'s request. A place is a map index of a step, and the subtask's
item is written into the state store of the task instance that will stand there. From the commit on the subtask is
durable; ``instances`` makes the task instances, at once or as soon as the scheduler lets go of the run. The counter of
the places, and its lock, are ``reserved``.
"""

from __future__ import annotations

from typing import Any

from airflow.configuration import conf
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, LimitReached, RunIsOver
from airflow_mcp_provider.plugin import store
from airflow_mcp_provider.plugin.growth.calling import check
from airflow_mcp_provider.plugin.growth.reserved import Reserved, Step
from airflow_mcp_provider.plugin.growth.seam import as_new, map_over_nothing
from airflow_mcp_provider.plugin.store import PLAN, REPORT, RunRef
from airflow_mcp_provider.plugin.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.runtime import wire
from airflow_mcp_provider.spec.step import RUN

ENDED = (
    TaskInstanceState.SUCCESS,
    TaskInstanceState.FAILED,
    TaskInstanceState.SKIPPED,
    TaskInstanceState.UPSTREAM_FAILED,
)
OF_SUBTASKS = (wire.ITEM, wire.OUTCOME, wire.PROGRESS, wire.CALLED, wire.BATCH)
"""Rows that a plan which begins again leaves nothing of."""


def begin(session: Session, run: RunRef, limits: dict[str, Any]) -> Reserved:
    """Plan starts, or starts again: forget an earlier plan's subtasks and have all that they became run again."""
    state = Reserved.of(limits)
    state.write(session, run)
    store.forget(session, run, [PLAN], Store.key.startswith(wire.KEY, autoescape=True))
    store.forget(session, run, state.names, Store.key.in_(OF_SUBTASKS))
    ended = select(TaskInstance).where(
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        TaskInstance.task_id.in_([*state.names, REPORT]),
        TaskInstance.state.is_not(None),
        TaskInstance.state != TaskInstanceState.REMOVED,
    )
    as_new(session, session.scalars(ended).unique().all())
    for step in state.steps[1:]:
        map_over_nothing(session, run.dag_id, run.run_id, state.list_of(step), step.name)
    return state


def reserve(
    session: Session, run: RunRef, state: Reserved | None, task_id: str, body: dict[str, Any]
) -> tuple[Reserved, dict[str, Any]]:
    """Give each child of ``body`` its place in the step of ``task_id``; returns the counter, and the answer.

    The counter's lock is held by the caller. Raises RunIsOver, InvalidPayload, LimitReached, SpecError for a job that
    this one may not run; the transaction has then changed nothing but the counter's time.
    """
    state = planned(state)
    step = state.step(task_id)
    children = _children(body, state)
    known = _known(session, run, children)
    new = {row: child for row, child in children.items() if row not in known}
    _check_limits(step, len(new), body["depth"])
    for job in {child.job for child in new.values() if child.job}:
        check(session, run.dag_id, job)
    if new:
        state = room(session, run, state, step)
    _place(session, run, state.step(task_id), new, body)
    state = state.grown(step.name, len(new), len(new))
    state.write(session, run)
    return state, {"new": len(new), **_known_places(state.step(task_id))}


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


def _children(body: dict[str, Any], state: Reserved) -> dict[str, wire.Child]:
    """By the name of their row; the first of two with one key stands."""
    if not isinstance(body.get("depth"), int) or not isinstance(body.get("parent"), str | None):
        raise InvalidPayload(f"depth is a number and parent a key; given {body.get('depth')!r}, {body.get('parent')!r}")
    children: dict[str, wire.Child] = {}
    for child in _listed(body.get("children")):
        _check_fields(child.payload, state)
        children.setdefault(wire.row_key(child.key), child)
    return children


def _listed(listed: object) -> list[wire.Child]:
    """Check the form again: any client with the task's token can reach this."""
    if not isinstance(listed, list) or not all(isinstance(one, list) and len(one) in {2, 3} for one in listed):
        raise InvalidPayload("children is a list of [key, payload, job]; is a [workers] state_store_backend set?")
    return [wire.child_of(payload, wire.checked_key(key), None, *job) for key, payload, *job in listed]


def _check_fields(payload: dict[str, Any], state: Reserved) -> None:
    """A later step finds a step's result where the payload would have a field of that name."""
    hidden = [step.name for step in state.steps[:-1] if step.name in payload]
    if hidden:
        raise InvalidPayload(f"the payload has the field {hidden[0]!r}, which is a step whose result would hide it")


def _known(session: Session, run: RunRef, children: dict[str, Any]) -> set[str]:
    if not children:
        return set()
    query = select(Store.key).where(
        Store.dag_run_id == run.id,
        Store.task_id == PLAN,
        Store.map_index == -1,
        Store.key.in_(list(children)),
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


def _place(session: Session, run: RunRef, step: Step, new: dict[str, wire.Child], body: dict[str, Any]) -> None:
    rows: list[tuple[str, int, str, Any]] = []
    for index, (row, child) in enumerate(new.items(), start=step.reserved):
        item = {"key": child.key, "payload": child.payload, "parent": body["parent"], "depth": body["depth"]}
        item |= {"job": child.job} if child.job else {}
        rows += [(PLAN, -1, row, {step.name: index}), (step.name, index, wire.ITEM, item)]
    store.add(session, run, rows)
