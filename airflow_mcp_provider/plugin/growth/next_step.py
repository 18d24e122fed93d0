"""From step to step: a subtask that succeeded gets its place in the next step.

Runs in the API server, in the transaction that stores the subtask's outcome: there is no moment in which one is without
the other. The row ``store_keys.CONTINUED`` has the life of the task instance in which the subtask continued (Airflow
raises ``max_tries`` when a task instance is cleared, not when it is tried again). So a try after the runner was lost in
the last moment finds its work done, while one that was cleared does it again, and so do the steps after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import ENDED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.airflow_internals import as_new
from airflow_mcp_provider.plugin.growth.batch_state import Batch
from airflow_mcp_provider.plugin.growth.enqueue import planned, room
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.growth_rules import check_room
from airflow_mcp_provider.runtime.messages import AttemptOutcome, Item


@dataclass(frozen=True, slots=True)
class Place:
    """A subtask in a step, and in which life of its task instance; ``trace`` is the span of its runner."""

    step: str
    index: int
    life: int
    trace: str | None = None


def advance(
    session: Session, run: RunRef, state: RunState | None, place: Place, outcome: AttemptOutcome
) -> tuple[RunState, int]:
    """Store ``outcome`` and give the subtask its place in the next step.

    Returns the run's state, and 1 where the place is new, else 0. Called under the lock of the run's state. Raises
    RunIsOver, InvalidRow; LimitReached where the next step is full.
    """
    state = planned(state)
    following = state.after(place.step)
    keys = store_keys.ITEM, store_keys.CONTINUED
    texts = state_store.texts_of(session, run, keys, [(place.step, place.index)])
    found, life = (texts.get((place.step, place.index, key)) for key in keys)
    if found is None or is_continued(life, place.life):
        return state, 0
    item = rows.item(found)
    outcome_row = (run, place.step, place.index, store_keys.OUTCOME, outcome)
    if following is None:  # the job has got a further step since the run was planned
        state_store.put(session, [outcome_row])
        return state, 0
    child = _child(item, place, outcome)
    row = store_keys.row_key(item.key)
    places = state_store.read(session, run, PLAN, -1, row)
    if not isinstance(places, dict) or not all(type(index) is int for index in places.values()):
        raise rows.invalid(row, "an object with the places of a subtask", places)
    if following.name in places:
        _again(session, run, following, places[following.name], child)
    else:
        state = _place(session, run, state, following, row, places, child)
    state_store.put(session, [outcome_row, (run, place.step, place.index, store_keys.CONTINUED, place.life)])
    return state, int(following.name not in places)


def _child(item: Item, place: Place, outcome: AttemptOutcome) -> Item:
    results = {**item.results, place.step: outcome.value}
    return Item(item.key, item.payload, item.key, item.depth, results=results, trace=place.trace)


def is_continued(row: str | None, life: int | None) -> bool:
    """Whether a subtask has continued in this life of its task instance: ``row`` is ``store_keys.CONTINUED``."""
    return row is not None and row == str(life)


def continued_now() -> ColumnElement[bool]:
    """The same as SQL, of Store joined with TaskInstance."""
    return (Store.key == store_keys.CONTINUED) & (Store.value == cast(TaskInstance.max_tries, String))


def continued(session: Session, runners: Iterable[Runner]) -> set[Runner]:
    """Return those runners whose subtasks have continued in this life of their task instances."""
    found: set[Runner] = set()
    by_run: dict[RunRef, list[Runner]] = {}
    for runner in runners:
        by_run.setdefault(runner.run, []).append(runner)
    for run, asking in by_run.items():
        lives = state_store.texts_of(session, run, [store_keys.CONTINUED], {runner.place for runner in asking})
        key = store_keys.CONTINUED
        found |= {runner for runner in asking if is_continued(lives.get((*runner.place, key)), runner.life)}
    return found


def _place(  # noqa: PLR0913, PLR0917 - all that a place is made of
    session: Session, run: RunRef, state: RunState, step: Step, row: str, places: dict[str, int], child: Item
) -> RunState:
    check_room(step, 1)
    state = room(session, run, state, step)
    step = state.step(step.name)
    state_store.add(session, run, [(step.name, step.reserved, store_keys.ITEM, child)])
    state_store.write(session, run, PLAN, -1, row, {**places, step.name: step.reserved})
    state = state.grown(step.name, 1, 0)
    state.write(session, run)
    return state


def _again(session: Session, run: RunRef, step: Step, index: int, child: Item) -> None:
    """The subtask was cleared, and has a new result for those that come after it."""
    state_store.write(session, run, step.name, index, store_keys.ITEM, child)
    state_store.forget(session, run, [step.name], Store.map_index == index, Store.key == store_keys.CONTINUED)
    serves = index // step.batch
    if step.batch > 1:
        batch = Batch.read(session, run, step.name, serves)
        batch.again(index).write(session, run, step.name, serves)
    # Airflow ends a task instance that works on the old result, and tries it again; a batch repeats the subtask itself.
    states = ENDED if step.batch > 1 else (*ENDED, TaskInstanceState.RUNNING)
    old = _instance(run.dag_id, run.run_id, step.name, serves).where(TaskInstance.state.in_(states))
    as_new(session, session.scalars(old).unique().all())


def _instance(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:  # noqa: ANN401 - a Select
    return select(TaskInstance).filter_by(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
