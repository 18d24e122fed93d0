"""How many subtasks each subtask of a run has enqueued.

An item never changes its parent, and new items get the places that follow. So what was counted is kept in the process:
each look counts the places that are new, and none where there are none.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import structlog
from sqlalchemy import JSON, ColumnElement, case, cast, func, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.state_store import PLAN, rows_of
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.runtime import store_keys

MOST_RUNS = 32
"""So many runs are kept."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counted:
    """The children by the key of their parent, in the places of each step before those of ``ends``.

    ``plan`` is the attempt of plan that they are from: the next one begins anew.
    """

    plan: object
    ends: Mapping[str, int]
    children: Mapping[str, int]


class Kept:
    """What was counted of the latest runs. The lock is held for a look into the memory alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[int, Counted] = OrderedDict()

    def get(self, run: int) -> Counted | None:
        """Return what was counted of a run."""
        with self._lock:
            return self._found.get(run)

    def put(self, run: int, counted: Counted) -> None:
        """Keep what was counted of a run, and forget the run whose count is the oldest."""
        with self._lock:
            self._found[run] = counted
            self._found.move_to_end(run)
            while len(self._found) > MOST_RUNS:
                self._found.popitem(last=False)


_kept = Kept()


def count(session: Session, run: RunRow, state: RunState) -> Mapping[str, int] | None:
    """Return the number of children by the key of their parent; None where a damaged row prevents that."""
    plan = session.scalar(select(TaskInstance.id).where(*of_step(TaskInstance, run.ref, PLAN)))
    before = _kept.get(run.id)
    if (
        before is None
        or before.plan != plan
        or any(step.reserved < before.ends.get(step.name, 0) for step in state.steps)
    ):
        before = Counted(plan, {}, {})
    try:
        counted = _further(session, run.ref, state, before)
    except DBAPIError:
        log.exception("cannot count the children of subtasks", job=run.job, run=run.run_id)
        return None
    _kept.put(run.id, counted)
    return counted.children


def _further(session: Session, run: RunRef, state: RunState, before: Counted) -> Counted:
    new = [step for step in state.steps if step.reserved > before.ends.get(step.name, 0)]
    if not new:
        return before
    found = Counter(before.children)
    with session.begin_nested():  # a failed query leaves the transaction usable
        for step in new:
            found.update(_of_step(session, run, step, before.ends.get(step.name, 0)))
    return Counted(before.plan, {step.name: step.reserved for step in state.steps}, found)


def _of_step(session: Session, run: RunRef, step: Step, start: int) -> dict[str, int]:
    parent = _parent(session.get_bind().dialect.name).label("parent")
    query = (
        select(parent, func.count())
        .where(*rows_of(Store, run, step.name, store_keys.ITEM))
        .where(Store.map_index >= start, Store.map_index < step.reserved)
        .group_by("parent")
    )
    return {key: number for key, number in session.execute(query) if key is not None}


def _parent(dialect: str) -> ColumnElement[Any]:
    """Return the parent in the row of an item; NULL in a row that has no item."""
    if dialect == "postgresql":
        return case((Store.value.like('{"key": %}'), cast(Store.value, JSON)["parent"].as_string()))
    return case((func.json_valid(Store.value) == 1, type_coerce(Store.value, JSON)["parent"].as_string()))
