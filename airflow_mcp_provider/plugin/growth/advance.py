"""From step to step: a subtask that has ended well gets its place in the next step.

Runs in the API server, in the transaction that keeps the subtask's outcome: there is no moment in which one is without
the other. The item of the subtask remembers that it was handed on, and in which of its lives (Airflow raises a task
instance's ``max_tries`` when it is cleared, not when it is tried again). So a try after a runner's death in the last
moment finds its work done, while one that was cleared does it again and so do the steps after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import ENDED
from airflow_mcp_provider.plugin.db.tables import TaskInstance
from airflow_mcp_provider.plugin.growth.airflow_internals import as_new
from airflow_mcp_provider.plugin.growth.batch_state import Batch
from airflow_mcp_provider.plugin.growth.enqueue import check_room, planned, room
from airflow_mcp_provider.plugin.growth.run_state import Reserved, Step
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.runtime import protocol

HANDED = "handed"
"""In an item, its first key: the life in which it was handed on."""


@dataclass(frozen=True, slots=True)
class Place:
    """A subtask in a step, and in which life of its task instance."""

    step: str
    index: int
    life: int


def hand_on(
    session: Session, run: RunRef, state: Reserved | None, place: Place, outcome: dict[str, Any]
) -> tuple[Reserved, dict[str, Any]]:
    """Keep ``outcome`` and give the subtask its place in the next step; returns the counter, and the answer.

    Called under the counter's lock. Raises RunIsOver; LimitReached where the next step is full.
    """
    state = planned(state)
    following = state.after(place.step)
    item = state_store.read(session, run, place.step, place.index, protocol.ITEM)
    if item is None or rows.item_of(item).get(HANDED) == place.life:
        return state, {"new": 0}
    state_store.write(session, run, place.step, place.index, protocol.OUTCOME, outcome)
    if following is None:  # the job has got a further step since the run was planned
        return state, {"new": 0}
    results = {**item.get("results", {}), place.step: outcome.get("result")}
    child = {name: item[name] for name in ("key", "payload", "depth")} | {"parent": item["key"], "results": results}
    row = protocol.row_key(item["key"])
    places = state_store.read(session, run, PLAN, -1, row)
    if not isinstance(places, dict) or not all(type(index) is int for index in places.values()):
        raise rows.invalid(row, "an object with the places of a subtask", places)
    if following.name in places:
        _again(session, run, following, places[following.name], child)
    else:
        state = _place(session, run, state, following, row, places, child)
    kept = {name: value for name, value in item.items() if name != HANDED}
    state_store.write(session, run, place.step, place.index, protocol.ITEM, {HANDED: place.life, **kept})
    return state, {"new": int(following.name not in places)}


def is_done(runner: Runner, item: dict[str, Any] | None) -> bool:
    """Whether the subtask was handed on in this life of its task instance."""
    return isinstance(item, dict) and item.get(HANDED) == runner.life


def _place(  # noqa: PLR0913, PLR0917 - all that a place is made of
    session: Session, run: RunRef, state: Reserved, step: Step, row: str, places: dict[str, int], child: dict[str, Any]
) -> Reserved:
    check_room(step, 1)
    state = room(session, run, state, step)
    step = state.step(step.name)
    state_store.add(session, run, [(step.name, step.reserved, protocol.ITEM, child)])
    state_store.write(session, run, PLAN, -1, row, {**places, step.name: step.reserved})
    state = state.grown(step.name, 1, 0)
    state.write(session, run)
    return state


def _again(session: Session, run: RunRef, step: Step, index: int, child: dict[str, Any]) -> None:
    """The subtask was cleared, and has a new result for those that come after it."""
    state_store.write(session, run, step.name, index, protocol.ITEM, child)
    serves = index // step.batch
    if step.batch > 1:
        batch = Batch.read(session, run, step.name, serves)
        batch.again(index).write(session, run, step.name, serves)
    ended = _instance(run.dag_id, run.run_id, step.name, serves).where(TaskInstance.state.in_(ENDED))
    as_new(session, session.scalars(ended).unique().all())


def _instance(dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:  # noqa: ANN401 - a Select
    return select(TaskInstance).filter_by(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
