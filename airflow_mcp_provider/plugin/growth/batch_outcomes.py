"""What the subtasks of batches ended with: a step's counts and its outcomes, where a task instance serves several.

Read in the API server, beside ``outcomes``, which has the steps whose task instances are a subtask each. A subtask is
as its batch has it; one that its batch does not say ended is as its task instance: failed, skipped, or marked by a
person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import clock, rows
from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.state_store import rows_of
from airflow_mcp_provider.plugin.db.states import ENDED, FAILED
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth.batch_state import Batch
from airflow_mcp_provider.plugin.growth.lost_outcomes import damaged, ended_by_runners, fault, has_result
from airflow_mcp_provider.plugin.growth.run_state import Step
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import StepCounts
from airflow_mcp_provider.runtime.messages import PodStatus, StoredOutcome
from airflow_mcp_provider.runtime.outcome import Error, Outcome, Status

LOST = Error("RunnerLost", "the runner ended without an outcome: killed, evicted or out of memory; see the task's log")


def lost(pod: PodStatus | None, attempt: int | None) -> Error:
    """Return what is known of a runner that stored no outcome: how its pod ended, if it was one."""
    return Error(pod.reason, pod.message) if pod and pod.attempt == attempt else LOST


@dataclass(frozen=True, slots=True)
class Served:
    """A task instance and its batch; ``state`` is None where it is not there yet, too.

    ``cleared``: since its batch was begun, and not begun again.
    """

    state: str | None
    attempt: int | None
    there: bool
    pod: PodStatus | None
    batch: Batch
    cleared: bool = False
    damaged: InvalidRow | None = None

    def has_ended(self, place: int) -> bool:
        """Whether a subtask has ended in the batch."""
        turn = self.batch.turns.get(place)
        return turn is not None and turn.ended

    def status(self, place: int) -> Status | None:
        """Return how a subtask ended, None where it has not. All subtasks of a damaged batch have failed."""
        if self.damaged is not None:
            return "failed" if self.state in ENDED else None
        turn = self.batch.turns.get(place)
        if turn is not None and turn.ended:
            return "success" if turn.status == "success" else "failed"
        if self.state in FAILED:
            return "failed"
        return {TaskInstanceState.SUCCESS: "success", TaskInstanceState.SKIPPED: "skipped"}.get(self.state)  # type: ignore[call-overload, no-any-return]  # None, too


_NOBODY = Served(None, None, there=False, pod=None, batch=Batch())
_item, _end, _pod, _batch = aliased(Store), aliased(Store), aliased(Store), aliased(Store)


def counted(session: Session, run: RunRef, step: Step, *, halted: bool) -> StepCounts:
    """Count the subtasks of a step by how they ended."""
    served = _served(session, run, step.name)
    statuses = Counter(_status(served, step, place, halted=halted) for place in _places(session, run, step.name))
    return StepCounts(step.filled, *(statuses[name] for name in ("succeeded", "failed", "skipped", "pending")))


def _status(served: dict[int, Served], step: Step, place: int, *, halted: bool) -> str:
    one = served.get(place // step.batch, _NOBODY)
    if halted and not one.there:
        return "skipped"
    status = one.status(place)
    return "pending" if status is None else "succeeded" if status == "success" else status


RowOutcome = tuple[Row[Any], Outcome]
"""A row of a page's query, and the outcome that was read in it."""


def page(session: Session, run: RunRef, step: Step, offset: int, most: int) -> Iterator[RowOutcome]:
    """Give each row of a step from a place on, with its outcome."""
    read = session.execute(_query(run, step.name).where(_item.map_index >= offset).limit(most)).all()
    indexes = [row.map_index // step.batch for row in read]
    served = _served(session, run, step.name, indexes)
    silent = {index for index, one in served.items() if one.state == TaskInstanceState.SUCCESS and not one.cleared}
    ended = ended_by_runners(session, run, step.name, silent if _silent(step, read, served) else ())
    for row in read:
        yield row, _outcome(step, row, served, ended)


def _silent(step: Step, read: Iterable[Row[Any]], served: dict[int, Served]) -> bool:
    """Whether a task instance succeeded whose batch lacks the end of one of its subtasks."""
    return not all(served.get(row.map_index // step.batch, _NOBODY).has_ended(row.map_index) for row in read)


def _places(session: Session, run: RunRef, step: str) -> list[int]:
    query = select(_item.map_index).where(*rows_of(_item, run, step, store_keys.ITEM))
    return list(session.scalars(query.order_by(_item.map_index)))


def _served(session: Session, run: RunRef, step: str, indexes: Sequence[int] | None = None) -> dict[int, Served]:
    columns = (TaskInstance.map_index, TaskInstance.state, TaskInstance.try_number, TaskInstance.max_tries)
    query: Any = select(*columns, _batch.value.label("batch"), _pod.value.label("pod"))
    for row, key in ((_batch, store_keys.BATCH), (_pod, store_keys.POD)):
        here = and_(*rows_of(row, run, step, key), row.map_index == TaskInstance.map_index)
        query = query.outerjoin(row, here)
    query = query.where(*of_step(TaskInstance, run, step), TaskInstance.map_index >= 0)
    if indexes is not None:
        query = query.where(TaskInstance.map_index.in_(sorted(set(indexes))))
    return {row.map_index: _read(row) for row in session.execute(query)}


def _read(row: Row[Any]) -> Served:
    """Take a batch that was begun before its task instance was cleared as one that has not begun again."""
    known: Any = {"there": True, "pod": rows.pod(row.pod)}
    try:
        batch = Batch.of(rows.parsed(row.batch)) if row.batch else Batch(row.max_tries)
    except InvalidRow as error:
        return Served(row.state, row.try_number, batch=Batch(), damaged=error, **known)
    cleared = batch.life != row.max_tries
    return Served(row.state, row.try_number, batch=Batch() if cleared else batch, cleared=cleared, **known)


def _query(run: RunRef, step: str) -> Any:  # noqa: ANN401 - a Select of three columns
    end = and_(*rows_of(_end, run, step, store_keys.OUTCOME), _end.map_index == _item.map_index)
    return (
        select(_item.map_index, _item.value.label("item"), _end.value.label("outcome"))
        .outerjoin(_end, end)
        .where(*rows_of(_item, run, step, store_keys.ITEM))
        .order_by(_item.map_index)
    )


def _outcome(step: Step, row: Row[Any], served: dict[int, Served], ended: Collection[int]) -> Outcome:
    index = row.map_index // step.batch
    one = served.get(index, _NOBODY)
    status = one.status(row.map_index) or "skipped"
    try:
        item = rows.item(row.item)
    except InvalidRow as error:
        return damaged(step.name, row.map_index, str(error))
    if one.damaged is not None and status == "failed":
        return damaged(step.name, row.map_index, str(one.damaged), item)
    said = rows.outcome(row.outcome)
    known = one.has_ended(row.map_index)
    gone = not has_result(said) if known else index in ended
    if status == "success" and (wrong := fault(row.outcome, said, gone=gone)):
        return damaged(step.name, row.map_index, wrong, item)
    turn = one.batch.turns.get(row.map_index)
    return item.ended(
        step=step.name,
        status=status,
        attempts=turn.attempts if turn else 0,
        started=clock.parsed(said and said.started),
        ended=clock.parsed(said and said.ended),
        result=said.value if said and status == "success" and known else None,
        error=_error(said if known else None, one) if status == "failed" else None,
    )


def _error(said: StoredOutcome | None, one: Served) -> Error:
    return (said and said.error) or lost(one.pod, one.attempt)
