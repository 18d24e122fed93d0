"""Which task instances of an ended run a retry clears, and which subtasks it runs again in them.

A task instance that serves a batch is cleared as a whole, so what is to be done again in it stands in its batch
afterwards: ``growth.batch_state.Batch.in_life`` would do again all that did not succeed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.control.refused import ControlRefused
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.db.states import ENDED, FAILED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.batch_state import Batch, Turn
from airflow_mcp_provider.plugin.growth.next_step import is_continued
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.runtime import store_keys

NOT_DONE = (*FAILED, TaskInstanceState.SKIPPED)
Place = tuple[str, int]
"""A step and the index of a task instance in it; or another task and -1."""


@dataclass(frozen=True, slots=True)
class Selection:
    """``instances``: the ids of the task instances to clear, by their places, the report first.

    ``subtasks``: how many subtasks that is. ``batches``: what their batches have to be afterwards, in the life that
    begins then.
    """

    instances: Mapping[Place, UUID]
    subtasks: int
    batches: Mapping[Place, Batch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance:
    """A task instance; ``life`` is its ``max_tries``, see ``growth.next_step``."""

    id: UUID
    state: str | None
    life: int


Instances = Mapping[Place, Instance]


def select_all(session: Session, run: RunRef, state: RunState | None) -> Selection:
    """Select everything that did not succeed; without a plan, the whole run."""
    found = _instances(session, run)
    planned = PLAN, -1
    if state is None or planned not in found or found[planned].state != TaskInstanceState.SUCCESS:
        again = {place: one.id for place, one in found.items() if one.state in ENDED}
        return Selection(dict(sorted(again.items(), key=lambda one: one[0][0] != REPORT)), 0)
    batches, done = _batches(session, run, state, found, None), _continued(session, run, found)
    again = {place: one.id for place, one in found.items() if _is_again(place, one, state, batches, done)}
    return _selection(state, found, again, {place: batches[place] for place in again if place in batches})


def select_keys(session: Session, run: RunRef, state: RunState | None, keys: Iterable[str]) -> Selection:
    """Select the subtasks with these keys, each in the step that it has reached; raises ControlRefused (404)."""
    wanted = _places(session, run, state, keys)
    if state is None or not wanted:
        return Selection({}, 0)
    found = _instances(session, run)
    of = {place: (place[0], place[1] // state.step(place[0]).batch) for place in wanted}
    batches = _batches(session, run, state, {at: found[at] for at in of.values() if at in found}, set(wanted))
    others = {place for place, one in found.items() if _is_waiting_task(place, one, state)}
    again = {at: found[at].id for at in {*of.values(), *others} if at in found}
    return _selection(state, found, again, batches)


def _selection(
    state: RunState, found: Instances, again: dict[Place, UUID], batches: Mapping[Place, Batch]
) -> Selection:
    """Count the subtasks; where there is anything to do, the report is done again, too."""
    alone = sum(_is_subtask(place, state) and state.step(place[0]).batch == 1 for place in again)
    subtasks = alone + sum(turn.fresh for batch in batches.values() for turn in batch.turns.values())
    report = found.get((REPORT, -1))
    if not subtasks and (report is None or report.state == TaskInstanceState.SUCCESS):
        return Selection({}, 0)
    return Selection(again if report is None else {(REPORT, -1): report.id, **again}, subtasks, batches)


def _is_subtask(place: Place, state: RunState) -> bool:
    return place[0] in state.names and place[1] >= 0


def _instances(session: Session, run: RunRef) -> Instances:
    place = TaskInstance.task_id, TaskInstance.map_index
    query = select(*place, TaskInstance.id, TaskInstance.state, TaskInstance.max_tries).where(
        *of_run(TaskInstance, run)
    )
    return {(row.task_id, row.map_index): Instance(row.id, row.state, row.max_tries) for row in session.execute(query)}


def _is_again(
    place: Place, one: Instance, state: RunState, batches: Mapping[Place, Batch], done: Collection[Place]
) -> bool:
    if one.state == TaskInstanceState.SUCCESS or place[0] == REPORT or one.state not in ENDED:
        return False
    if not _is_subtask(place, state):
        return True
    return place in batches if state.step(place[0]).batch > 1 else place not in done


def _is_waiting_task(place: Place, one: Instance, state: RunState) -> bool:
    """Whether it is a task that maps a step, and that was skipped: without it the step's task instances do not run."""
    return not _is_subtask(place, state) and place[0] != REPORT and one.state in NOT_DONE


def _continued(session: Session, run: RunRef, found: Instances) -> set[Place]:
    """Return those whose subtasks have continued in the next step: their runners failed afterwards."""
    query = select(Store.task_id, Store.map_index, Store.value).where(
        Store.dag_run_id == run.id, Store.key == store_keys.CONTINUED
    )
    lives = {(row.task_id, row.map_index): row.value for row in session.execute(query)}
    return {place for place, life in lives.items() if place in found and is_continued(life, found[place].life)}


def _places(session: Session, run: RunRef, state: RunState | None, keys: Iterable[str]) -> list[Place]:
    """Return the latest place of each subtask."""
    named = {store_keys.row_key(key): key for key in keys}
    query = select(Store.key, Store.value).where(
        Store.dag_run_id == run.id, Store.task_id == PLAN, Store.map_index == -1, Store.key.in_(named)
    )
    found = {named[row.key]: rows.parsed(row.value) for row in session.execute(query)}
    if unknown := [key for key in named.values() if not isinstance(found.get(key), dict)]:
        text = f"unknown keys of subtasks: {', '.join(map(repr, unknown[:10]))}"
        raise ControlRefused("unknown_keys", text, HTTPStatus.NOT_FOUND)
    names = state.names if state else ()
    return [
        max(((step, places[step]) for step in places if step in names), key=lambda at: names.index(at[0]))
        for places in found.values()
    ]


def _batches(
    session: Session, run: RunRef, state: RunState, found: Instances, only: set[Place] | None
) -> dict[Place, Batch]:
    """Return the batches in which a subtask is to be done again: with ``only``, one of these, else one that failed."""
    batched = {step.name: step for step in state.steps if step.batch > 1}
    there = [place for place in found if place[0] in batched and place[1] >= 0]
    texts = state_store.texts_of(session, run, [store_keys.BATCH], there) if there else {}
    filled = _filled(session, run, batched) if there else {}
    made: dict[Place, Batch] = {}
    for place in there:
        batch = _read(texts.get((*place, store_keys.BATCH)))
        places = [at for at in _range(batched[place[0]], place[1]) if at in filled[place[0]]]
        chosen = {at for at in places if _chosen((place[0], at), batch, found[place].state, only)}
        if chosen:
            made[place] = Batch(turns={at: _turn(batch, at, again=at in chosen) for at in places})
    return made


def _read(text: str | None) -> Batch:
    """Return a batch; a damaged one is begun anew."""
    try:
        return Batch.of(rows.parsed(text)) if text else Batch()
    except InvalidRow:
        return Batch()


def _chosen(place: Place, batch: Batch, instance: str | None, only: set[Place] | None) -> bool:
    if only is not None:
        return place in only
    turn = batch.turns.get(place[1])
    if turn is not None and turn.ended:
        return turn.status == "failed"
    return instance != TaskInstanceState.SUCCESS


def _turn(batch: Batch, place: int, *, again: bool) -> Turn:
    """Return the turn of a subtask: again from the beginning, or ended as it was."""
    turn = batch.turns.get(place, Turn("again", 0))
    if again:
        return turn.reset()
    return turn if turn.ended else Turn("failed", turn.attempts, turn.spent)


def _range(step: Step, index: int) -> range:
    return range(index * step.batch, (index + 1) * step.batch)


def _filled(session: Session, run: RunRef, steps: Iterable[str]) -> dict[str, set[int]]:
    filled: dict[str, set[int]] = {step: set() for step in steps}
    query = select(Store.task_id, Store.map_index).where(
        Store.dag_run_id == run.id, Store.task_id.in_(list(filled)), Store.key == store_keys.ITEM
    )
    for step, place in session.execute(query):
        filled[step].add(place)
    return filled
