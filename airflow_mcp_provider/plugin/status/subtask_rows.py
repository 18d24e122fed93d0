"""Subtasks as the state store has them, each with its task instance: the rows of a step, from a place on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, or_, select
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

AT_PLACE = (store_keys.OUTCOME, store_keys.CONTINUED)
"""The rows at the place of a subtask, beside its item."""
AT_INSTANCE = (store_keys.POD, store_keys.PROGRESS)
"""The rows at its task instance."""
_STATES: Mapping[SubtaskState, tuple[TaskInstanceState, ...]] = {
    SubtaskState.RUNNING: (TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING),
    SubtaskState.SUCCEEDED: (TaskInstanceState.SUCCESS,),
    SubtaskState.FAILED: FAILED,
    SubtaskState.SKIPPED: (TaskInstanceState.SKIPPED,),
}
_life = aliased(Store)
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
        """Whether a subtask has the wanted parent exactly: ``in_item`` also finds payloads with such a text."""
        return self.parent is None or self.parent == (one.parent or "")

    @property
    def in_item(self) -> list[ColumnElement[bool]]:
        """Return conditions of the row of an item that leave out most of what is not wanted."""
        found: list[ColumnElement[bool]] = []
        if self.text:
            spelled = {_in_json(one) for one in (self.text, self.text.lower(), self.text.upper())}
            found.append(or_(*(Store.value.icontains(one, autoescape=True) for one in sorted(spelled))))
        if self.parent is not None:
            parent = json.dumps(self.parent or None)
            found.append(Store.value.contains(f'"parent": {parent}', autoescape=True))
        return found


def _in_json(text: str) -> str:
    """Return a text as the rows have it: ``json.dumps`` has written them."""
    return json.dumps(text)[1:-1]


@dataclass(frozen=True, slots=True)
class Part:
    """Up to ``most`` subtasks at the places of a step from ``start`` on, and before ``end``.

    ``halted``: the run starts no further subtask, so those without a state are skipped.
    """

    step: Step
    start: int
    end: int
    most: int = AT_ONCE
    halted: bool = False


Instance = Row[int, str | None, int, int, datetime | None, datetime | None]
"""The last fields of ``SubtaskRow``."""


@dataclass(frozen=True, slots=True)
class SubtaskRow:
    """A subtask at a place of a step, ``map_index``: the rows of its state, and its task instance if there is one."""

    map_index: int
    item: str
    outcome: str | None
    continued: str | None
    pod: str | None
    progress: str | None
    instance: int | None = None
    state: str | None = None
    try_number: int | None = None
    max_tries: int | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None


def page(session: Session, run: RunRef, part: Part, wanted: Wanted) -> list[SubtaskRow]:
    """Read subtasks in the order of their places."""
    places = Store.map_index >= part.start, Store.map_index < part.end
    found = _items(run, part.step).where(*places, *wanted.in_item)
    if wanted.state is not None and part.step.batch == 1:
        found = found.where(_in_state(run, part, wanted.state))
    return _rows(session, run, part.step, session.execute(found.order_by(Store.map_index).limit(part.most)).all())


def at(session: Session, run: RunRef, step: Step, place: int) -> SubtaskRow | None:
    """Read the subtask at a place of a step."""
    found = _rows(session, run, step, session.execute(_items(run, step).where(Store.map_index == place)).all())
    return found[0] if found else None


def _items(run: RunRef, step: Step) -> Select[int, str]:
    return select(Store.map_index, Store.value).where(*rows_of(Store, run, step.name, store_keys.ITEM))


def _in_state(run: RunRef, part: Part, state: SubtaskState) -> ColumnElement[bool]:
    """Return the condition that a subtask is in a state, or may be."""

    def there(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        mine = (*of_step(TaskInstance, run, part.step.name), TaskInstance.map_index.between(part.start, part.end))
        return Store.map_index.in_(select(TaskInstance.map_index).where(*mine, *conditions))

    if state not in _STATES:
        return ~there(TaskInstance.state.in_(_BY_INSTANCE))
    known = there(TaskInstance.state.in_(_STATES[state]))
    if state == SubtaskState.SUCCEEDED:
        continued = rows_of(_life, run, part.step.name, store_keys.CONTINUED)
        return or_(known, Store.map_index.in_(select(_life.map_index).where(*continued)))
    unstarted = part.halted and state == SubtaskState.SKIPPED
    return or_(known, ~there(TaskInstance.state.is_not(None))) if unstarted else known


def _rows(session: Session, run: RunRef, step: Step, items: Sequence[tuple[int, str]]) -> list[SubtaskRow]:
    """Add what is beside the items, by their places.

    A join of all that with a limit would be one query, for which Postgres may read the tables once for each subtask.
    """
    if not items:
        return []
    instances = _instances(session, run, step, {place // step.batch for place, _ in items})
    beside = _beside(session, run, step, {index for place, _ in items for index in (place, place // step.batch)})
    found = []
    for place, item in items:
        whole = place // step.batch
        outcome, continued = (beside.get((place, key)) for key in AT_PLACE)
        pod, progress = (beside.get((whole, key)) for key in AT_INSTANCE)
        found.append(SubtaskRow(place, item, outcome, continued, pod, progress, *instances.get(whole, ())))
    return found


def _beside(session: Session, run: RunRef, step: Step, indexes: Collection[int]) -> dict[tuple[int, str], str]:
    mine = Store.dag_run_id == run.id, Store.task_id == step.name, Store.map_index.in_(sorted(indexes))
    query = select(Store.map_index, Store.key, Store.value).where(*mine, Store.key.in_((*AT_PLACE, *AT_INSTANCE)))
    return {(index, key): value for index, key, value in session.execute(query)}


def _instances(session: Session, run: RunRef, step: Step, indexes: Collection[int]) -> dict[int, Instance]:
    query = select(
        TaskInstance.map_index,
        TaskInstance.state,
        TaskInstance.try_number,
        TaskInstance.max_tries,
        TaskInstance.start_date,
        TaskInstance.end_date,
    ).where(*of_step(TaskInstance, run, step.name), TaskInstance.map_index.in_(sorted(indexes)))
    return {row[0]: row for row in session.execute(query)}


def batches(session: Session, run: RunRef, step: Step, rows: Iterable[SubtaskRow]) -> dict[int, str]:
    """Return the rows of the batches that serve some subtasks, by the map index of their task instances."""
    if step.batch == 1:
        return {}
    places = {(step.name, row.map_index // step.batch) for row in rows}
    texts = state_store.texts_of(session, run, [store_keys.BATCH], places) if places else {}
    return {index: text for (_, index, _), text in texts.items()}
