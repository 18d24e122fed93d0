"""Give subtasks their places in a run: the half of growth that needs no lock of the scheduler's.

Runs in the API server, in the transaction of ``enqueue``'s request. A place is a map index, and the subtask's item
is written into the state store of the task instance that will stand there. From the commit on the subtask is
durable; ``growth`` makes the task instances, at once or as soon as the scheduler lets go of the run.

The row ``mcp.run`` in plan's store is the counter: every call updates it first, which locks it (and on SQLite takes
the database's write lock before anything is read), so keys and indexes are exact however many call at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airflow.configuration import conf
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, LimitReached, RunIsOver
from airflow_mcp_provider.plugin import store
from airflow_mcp_provider.plugin.airflow_seam import (
    DagRun,
    DagRunState,
    Store,
    TaskInstance,
    TaskInstanceState,
    TaskScope,
    as_new,
)
from airflow_mcp_provider.plugin.store import PLAN, REPORT, RUN_TASK, RunRef
from airflow_mcp_provider.runtime import wire


@dataclass(frozen=True, slots=True)
class Reserved:
    """The row ``mcp.run``: how many places are given, within which limits, and whether the run was stopped.

    ``stopped`` is why no further subtask starts; it holds while the run's ``clear_number`` is ``stopped_at``, so
    that clearing failed subtasks lets the run go on.
    """

    limit: int
    depth: int
    tolerate: str
    reserved: int = 0
    stopped: str | None = None
    stopped_at: int = 0

    @classmethod
    def read(cls, session: Session, run: RunRef) -> Reserved | None:
        """Return it, None before plan has begun."""
        value = store.read(session, run, PLAN, -1, wire.RUN)
        return None if value is None else cls(**value)

    def write(self, session: Session, run: RunRef) -> None:
        """Keep it."""
        store.write(session, run, PLAN, -1, wire.RUN, asdict(self))

    def halted(self, clear_number: int) -> bool:
        """Whether no further subtask may start."""
        return self.stopped is not None and self.stopped_at == clear_number


def lock_counter(session: Session, run: RunRef) -> Reserved | None:
    """Take the counter for this transaction, and return what it holds: None before plan has begun."""
    value = session.scalar(
        update(Store)
        .where(*store.where(run, PLAN, -1, wire.RUN))
        .values(updated_at=datetime.now(UTC))
        .returning(Store.value)
        .execution_options(synchronize_session=False)
    )
    return None if value is None else Reserved(**json.loads(value))


def begin(session: Session, run: RunRef, limits: dict[str, Any]) -> Reserved:
    """Plan starts, or starts again: forget an earlier plan's subtasks and have all that they became run again."""
    state = Reserved(**limits)
    state.write(session, run)
    store.forget(session, run, PLAN, Store.key.startswith(wire.KEY, autoescape=True))
    store.forget(session, run, RUN_TASK, Store.key.in_([wire.ITEM, wire.OUTCOME, wire.PROGRESS]))
    ended = select(TaskInstance).where(
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        TaskInstance.task_id.in_([RUN_TASK, REPORT]),
        TaskInstance.state.is_not(None),
        TaskInstance.state != TaskInstanceState.REMOVED,
    )
    as_new(session, session.scalars(ended).unique().all())
    return state


def reserve(
    session: Session, run: RunRef, state: Reserved | None, body: dict[str, Any]
) -> tuple[Reserved, dict[str, Any]]:
    """Give each child of ``body`` its place; returns the counter, whose lock is held, and the answer to the caller.

    Raises RunIsOver, InvalidPayload, LimitReached; the transaction has then changed nothing but the counter's time.
    """
    if state is None:
        raise RunIsOver("this run has no plan: it was planned without the plugin, or its state was cleaned up")
    children = _children(body)
    known = _known(session, run, children)
    new = {row: child for row, child in children.items() if row not in known}
    _check_limits(state, len(new), body)
    _place(session, run, state.reserved, new, body)
    state = replace(state, reserved=state.reserved + len(new))
    state.write(session, run)
    mappable = conf.getint("core", "max_map_length")
    return state, {"new": len(new), "reserved": state.reserved, "mappable": mappable}


def check_alive(session: Session, scope: TaskScope, run: RunRef) -> None:
    """Only a running subtask of a running run enqueues; raises RunIsOver."""
    query = (
        select(DagRun.state, TaskInstance.state)
        .join(TaskInstance, (TaskInstance.dag_id == DagRun.dag_id) & (TaskInstance.run_id == DagRun.run_id))
        .where(
            DagRun.id == run.id,
            TaskInstance.task_id == scope.task_id,
            TaskInstance.map_index == scope.map_index,
        )
    )
    run_state, task_state = session.execute(query).one()
    if run_state != DagRunState.RUNNING or task_state != TaskInstanceState.RUNNING:
        raise RunIsOver(f"only a running subtask of a running run enqueues; the run is {run_state}, it is {task_state}")


def _children(body: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """By the name of their row; the first of two with one key stands."""
    if not isinstance(body.get("depth"), int) or not isinstance(body.get("parent"), str | None):
        raise InvalidPayload(f"depth is a number and parent a key; given {body.get('depth')!r}, {body.get('parent')!r}")
    children: dict[str, tuple[str, Any]] = {}
    for key, payload in _pairs(body.get("children")):
        children.setdefault(wire.row_key(key), (key, payload))
    return children


def _pairs(listed: object) -> list[tuple[str, Any]]:
    """Check the form again: any client with the task's token can reach this."""
    if not isinstance(listed, list) or not all(isinstance(one, list) and len(one) == 2 for one in listed):  # noqa: PLR2004
        raise InvalidPayload("children is a list of [key, payload]; is a [workers] state_store_backend set?")
    for key, payload in listed:
        wire.child_of(payload, wire.checked_key(key), None)
    return [(key, payload) for key, payload in listed]


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


def _check_limits(state: Reserved, new: int, body: dict[str, Any]) -> None:
    if new and body["depth"] > state.depth:
        raise LimitReached(f"this subtask would have {body['depth']} parents; subtasks.depth allows {state.depth}")
    if state.reserved + new > state.limit:
        raise LimitReached(f"the run would have {state.reserved + new} subtasks; subtasks.limit is {state.limit}")


def _place(session: Session, run: RunRef, first: int, new: dict[str, tuple[str, Any]], body: dict[str, Any]) -> None:
    rows: list[tuple[str, int, str, Any]] = []
    for index, (row, (key, payload)) in enumerate(new.items(), start=first):
        item = {"key": key, "payload": payload, "parent": body["parent"], "depth": body["depth"]}
        rows += [(PLAN, -1, row, index), (RUN_TASK, index, wire.ITEM, item)]
    store.add(session, run, rows)


def labels(session: Session, run: RunRef, indexes: Sequence[int]) -> dict[int, str]:
    """Return each index with its subtask's key, cut to a label's length."""
    query = select(Store.map_index, Store.value).where(
        Store.dag_run_id == run.id,
        Store.task_id == RUN_TASK,
        Store.key == wire.ITEM,
        Store.map_index >= min(indexes),
        Store.map_index <= max(indexes),
    )
    wanted = set(indexes)
    return {i: json.loads(v)["key"][: wire.LABEL_CHARS] for i, v in session.execute(query) if i in wanted}
