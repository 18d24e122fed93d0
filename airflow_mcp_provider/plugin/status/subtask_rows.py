"""Subtasks as the state store has them, each with its task instance: the rows of a step, from a place on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.client.models import Subtask, SubtaskState
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.state_store import rows_of
from airflow_mcp_provider.plugin.db.states import FAILED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.run_state import Step
from airflow_mcp_provider.runtime import store_keys

AT_ONCE = 500
LOOKED_AT = 5_000
"""Of so many places one read with a filter looks for what is wanted."""

_item, _end, _pod, _life, _progress = (aliased(Store) for _ in range(5))
BESIDE_ITEM = ((_end, store_keys.OUTCOME, "outcome"),)
BESIDE_INSTANCE = (
    (_pod, store_keys.POD, "pod"),
    (_progress, store_keys.PROGRESS, "progress"),
)
INSTANCE = (
    TaskInstance.map_index.label("instance"),
    TaskInstance.state,
    TaskInstance.try_number,
    TaskInstance.max_tries,
    TaskInstance.start_date,
    TaskInstance.end_date,
)
_STATES: Mapping[SubtaskState, tuple[TaskInstanceState, ...]] = {
    SubtaskState.RUNNING: (TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING),
    SubtaskState.SUCCEEDED: (TaskInstanceState.SUCCESS,),
    SubtaskState.FAILED: FAILED,
    SubtaskState.SKIPPED: (TaskInstanceState.SKIPPED,),
}
_BY_INSTANCE = {str(state): name for name, states in _STATES.items() for state in states}


def of_instance(state: str | None) -> SubtaskState:
    """Return the state of a subtask that has a task instance of its own."""
    return _BY_INSTANCE.get(str(state), SubtaskState.WAITING)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which subtasks are wanted; None: any. ``text`` is searched in the key and the payload.

    ``parent`` is empty for those that plan enqueued.
    """

    state: SubtaskState | None = None
    parent: str | None = None
    text: str | None = None

    @property
    def filters(self) -> bool:
        """Whether some subtasks are not wanted."""
        return any(one is not None for one in (self.state, self.parent, self.text))

    def fits(self, one: Subtask) -> bool:
        """Whether a subtask has the wanted parent exactly: ``conditions`` also find payloads with such a text."""
        return self.parent is None or self.parent == (one.parent or "")

    def conditions(self, step: Step) -> list[ColumnElement[bool]]:
        """Return conditions that leave out most of what is not wanted; the rest is looked at in Python."""
        found: list[ColumnElement[bool]] = []
        if self.text:
            spelled = {_in_json(one) for one in (self.text, self.text.lower(), self.text.upper())}
            found.append(or_(*(_item.value.icontains(one, autoescape=True) for one in sorted(spelled))))
        if self.parent is not None:
            parent = json.dumps(self.parent or None)
            found.append(_item.value.contains(f'"parent": {parent}', autoescape=True))
        if self.state is not None and step.batch == 1:
            found.append(_in_state(self.state))
        return found


def _in_json(text: str) -> str:
    """Return a text as the rows have it: ``json.dumps`` has written them."""
    return json.dumps(text)[1:-1]


def _in_state(state: SubtaskState) -> ColumnElement[bool]:
    if state in _STATES:
        known = TaskInstance.state.in_(_STATES[state])
        if state == SubtaskState.SUCCEEDED:
            return or_(known, _life.value.is_not(None))
        # Where the run starts no further subtask.
        return or_(known, TaskInstance.state.is_(None)) if state == SubtaskState.SKIPPED else known
    every = [one for states in _STATES.values() for one in states]
    return or_(TaskInstance.state.is_(None), TaskInstance.state.not_in(every))


@dataclass(frozen=True, slots=True)
class Part:
    """Up to ``most`` subtasks at the places of a step from ``start`` on, and before ``end``."""

    step: Step
    start: int
    end: int
    most: int = AT_ONCE


def page(session: Session, run: RunRef, part: Part, wanted: Wanted) -> Sequence[Row[Any]]:
    """Read subtasks in the order of their places."""
    places = _item.map_index >= part.start, _item.map_index < part.end
    query = _query(run, part.step).where(*places, *wanted.conditions(part.step))
    return session.execute(query.order_by(_item.map_index).limit(part.most)).all()


def batches(session: Session, run: RunRef, step: Step, rows: Iterable[Row[Any]]) -> dict[int, str]:
    """Return the rows of the batches that serve some subtasks, by the map index of their task instances."""
    if step.batch == 1:
        return {}
    places = {(step.name, row.map_index // step.batch) for row in rows}
    texts = state_store.texts_of(session, run, [store_keys.BATCH], places) if places else {}
    return {index: text for (_, index, _), text in texts.items()}


def at(session: Session, run: RunRef, step: Step, places: Collection[int]) -> Sequence[Row[Any]]:
    """Read the subtasks at some places of a step."""
    return session.execute(_query(run, step).where(_item.map_index.in_(sorted(places)))).all()


def _query(run: RunRef, step: Step) -> Select[Any]:
    # An integer division in both databases, because both operands are integers.
    whole: Any = _item.map_index if step.batch == 1 else _item.map_index.op("/")(step.batch)
    query: Any = select(
        _item.map_index,
        _item.value.label("item"),
        *(table.value.label(label) for table, _, label in (*BESIDE_ITEM, *BESIDE_INSTANCE)),
        _life.value.label("continued"),
        *INSTANCE,
    ).outerjoin(TaskInstance, and_(*of_step(TaskInstance, run, step.name), TaskInstance.map_index == whole))
    for table, key, _ in (*BESIDE_ITEM, (_life, store_keys.CONTINUED, "")):
        query = query.outerjoin(table, and_(*rows_of(table, run, step.name, key), table.map_index == _item.map_index))
    for table, key, _ in BESIDE_INSTANCE:
        query = query.outerjoin(table, and_(*rows_of(table, run, step.name, key), table.map_index == whole))
    return query.where(*rows_of(_item, run, step.name, store_keys.ITEM))  # type: ignore[no-any-return]  # a Select
