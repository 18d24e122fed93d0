"""What a run's subtasks ended with, read from Airflow's tables: pages for the report, counts for its verdict."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run, of_step
from airflow_mcp_provider.plugin.db.state_store import PLAN, rows_of
from airflow_mcp_provider.plugin.db.states import FAILED
from airflow_mcp_provider.plugin.db.tables import DagRun, Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth import batch_outcomes
from airflow_mcp_provider.plugin.growth.advance import HANDED
from airflow_mcp_provider.plugin.growth.batch_outcomes import Told, lost
from airflow_mcp_provider.plugin.growth.lost_outcomes import damaged, ended_by_runners, fault
from airflow_mcp_provider.plugin.growth.run_state import Reserved, Step
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.spec.step import RUN

PAGE_ROWS = 500
PAGE_BYTES = 1_000_000
PLACE = re.compile(r"\d{1,4}\.\d{1,9}")
"""Of a page: the step and the first place in it, both counted."""


def page(session: Session, run: RunRef, place: str) -> dict[str, Any]:
    """Return outcomes from ``place`` on, step by step, and where the next page begins (None: this was the last)."""
    part = Part.read(session, run, place)
    if part is None:
        return {"outcomes": [], "next": None}
    outcomes: list[dict[str, Any]] = []
    size = 0
    for row, outcome in part.told:
        outcomes.append(outcome)
        size += len(row.item) + len(row.outcome or "")
        if size > PAGE_BYTES:
            break
    return {"outcomes": outcomes, "next": part.after(len(outcomes))}


@dataclass(frozen=True, slots=True)
class Part:
    """Up to PAGE_ROWS rows of a step, each with its outcome; the step is the run's at ``position``, of ``steps``."""

    step: Step
    position: int
    steps: int
    told: tuple[Told, ...]

    @classmethod
    def read(cls, session: Session, run: RunRef, place: str) -> Self | None:
        """Read the rows from ``place`` on; None where the run has no such step."""
        position, offset = map(int, place.split("."))
        state = Reserved.read(session, run)
        if state is None or position >= len(state.steps):
            return None
        step = state.steps[position]
        return cls(step, position, len(state.steps), tuple(_told(session, run, step, offset)))

    def after(self, count: int) -> str | None:
        """Return the place that follows the first ``count`` rows; None: there is none."""
        if count < len(self.told) or count == PAGE_ROWS:
            return f"{self.position}.{self.told[count - 1][0].map_index + 1}"
        return f"{self.position + 1}.0" if self.position + 1 < self.steps else None


def _told(session: Session, run: RunRef, step: Step, offset: int) -> Iterator[Told]:
    if step.batch > 1:
        yield from batch_outcomes.page(session, run, step, offset, PAGE_ROWS)
        return
    read = session.execute(_query(run, step.name).where(_item.map_index >= offset).limit(PAGE_ROWS)).all()
    told = [(row, rows.outcome(row.outcome)) for row in read]
    silent = [row.map_index for row, said in told if _status(row.state) == "success" and "result" not in said]
    ended = ended_by_runners(session, run, step.name, silent)
    for row, said in told:
        yield row, _outcome(step.name, row, said, ended)


def counts(session: Session, run: RunRef) -> dict[str, Any]:
    """Count the run's subtasks by how they ended, each once; ``pending`` are those that have not, or not begun."""
    state = Reserved.read(session, run)
    plan = session.scalar(_task(run, PLAN).with_only_columns(TaskInstance.state))
    halted = state is not None and state.halted(_clear_number(session, run))
    steps = _steps(session, run, state, halted=halted) if state else {}
    failed, skipped, pending = (sum(step[name] for step in steps.values()) for name in ("failed", "skipped", "pending"))
    known = state.subtasks if state else 0
    return {
        "reserved": known,
        "succeeded": known - failed - skipped - pending,
        "failed": failed,
        "skipped": skipped,
        "pending": pending if plan == TaskInstanceState.SUCCESS else 0,
        "plan": str(plan),
        "steps": {} if list(steps) == [RUN] else steps,
    }


def unfinished(session: Session, run: RunRef, state: Reserved, step: str) -> int:
    """Count the subtasks of the steps before ``step`` that have not ended."""
    counted = _steps(session, run, state, halted=False)
    return sum(counted[earlier.name]["pending"] for earlier in state.before(step))


def failing(session: Session, run: RunRef, state: Reserved) -> int:
    """Count those that failed and whose task instance says nothing of it: not yet, or it serves others, too."""
    of_batches = sum(batch_outcomes.counted(session, run, step, halted=False)["failed"] for step in _batched(state))
    return of_batches + _failing(session, run, [step.name for step in state.steps if step.batch == 1])


def _failing(session: Session, run: RunRef, steps: Sequence[str]) -> int:
    """Count the subtasks that have said their last attempt failed, and have not ended yet."""
    running = (TaskInstance.state == TaskInstanceState.RUNNING, _end.value.contains('"final": true'))
    read = [row for name in steps for row in session.execute(_query(run, name).where(*running))]
    said = ((rows.outcome(row.outcome), row.try_number) for row in read)
    return sum(1 for outcome, attempt in said if outcome.get("final") is True and outcome.get("attempt") == attempt)


def _steps(session: Session, run: RunRef, state: Reserved, *, halted: bool) -> dict[str, dict[str, int]]:
    ended = _states(session, run, state)
    later = _handed_on(session, run) if len(state.steps) > 1 else {}
    batches = {step.name: batch_outcomes.counted(session, run, step, halted=halted) for step in _batched(state)}
    return {step.name: batches.get(step.name) or _counted(step, ended, later, halted=halted) for step in state.steps}


def _batched(state: Reserved) -> list[Step]:
    return [step for step in state.steps if step.batch > 1]


Counts = Mapping[tuple[str, str | None], int]


def _counted(step: Step, ended: Counts, handed_on: Counts, *, halted: bool) -> dict[str, int]:
    """Count by how they ended. One whose work was done and handed on has succeeded, whatever its runner came to."""

    def of(counts: Counts, *states: str) -> int:
        return sum(counts.get((step.name, state), 0) for state in states)

    done = of(handed_on, *FAILED), of(handed_on, TaskInstanceState.SKIPPED)
    succeeded = of(ended, TaskInstanceState.SUCCESS) + sum(done)
    failed = of(ended, *FAILED) - done[0]
    skipped = of(ended, TaskInstanceState.SKIPPED) - done[1]
    if halted:
        skipped += step.reserved - sum(count for (name, _), count in ended.items() if name == step.name)
    pending = step.reserved - succeeded - failed - skipped
    return {
        "subtasks": step.reserved,
        "succeeded": succeeded,
        "failed": failed,
        "skipped": skipped,
        "pending": pending,
    }


def _states(session: Session, run: RunRef, state: Reserved) -> Counts:
    places = [
        (TaskInstance.task_id == step.name) & (TaskInstance.map_index >= 0) & (TaskInstance.map_index < step.reserved)
        for step in state.steps
    ]
    query = (
        select(TaskInstance.task_id, TaskInstance.state, func.count())
        .where(*of_run(TaskInstance, run), or_(*places))
        .group_by(TaskInstance.task_id, TaskInstance.state)
    )
    return {(step, state): count for step, state, count in session.execute(query)}


def _handed_on(session: Session, run: RunRef) -> Counts:
    """Count those whose runners ended badly after they had handed their subtasks on."""
    query = (
        select(TaskInstance.task_id, TaskInstance.state, func.count())
        .join(_item, (_item.task_id == TaskInstance.task_id) & (_item.map_index == TaskInstance.map_index))
        .where(*of_run(TaskInstance, run))
        .where(TaskInstance.state.in_([*FAILED, TaskInstanceState.SKIPPED]))
        .where(_item.dag_run_id == run.id, _item.key == protocol.ITEM, _done())
        .group_by(TaskInstance.task_id, TaskInstance.state)
    )
    return {(step, state): count for step, state, count in session.execute(query)}


def _task(run: RunRef, task_id: str) -> Select[Any]:
    return select(TaskInstance).where(*of_step(TaskInstance, run, task_id))


def _clear_number(session: Session, run: RunRef) -> int:
    return session.scalars(select(DagRun.clear_number).where(DagRun.id == run.id)).one()


_item = aliased(Store)
_end = aliased(Store)
_pod = aliased(Store)


def _done() -> ColumnElement[bool]:
    """The subtask was handed on in this life of its task instance: how such an item's JSON begins."""
    begins = literal(f'{{"{HANDED}": ') + cast(TaskInstance.max_tries, String) + ","
    return _item.value.startswith(begins)


def _query(run: RunRef, step: str) -> Any:  # noqa: ANN401 - a Select of nine columns
    instance = and_(*of_step(TaskInstance, run, step), TaskInstance.map_index == _item.map_index)
    end = and_(*rows_of(_end, run, step, protocol.OUTCOME), _end.map_index == _item.map_index)
    pod = and_(*rows_of(_pod, run, step, protocol.POD), _pod.map_index == _item.map_index)
    columns = (
        _item.map_index,
        _item.value.label("item"),
        _end.value.label("outcome"),
        _pod.value.label("pod"),
        TaskInstance.state,
        TaskInstance.try_number,
        TaskInstance.max_tries,
        TaskInstance.start_date,
        TaskInstance.end_date,
    )
    return (
        select(*columns)
        .outerjoin(TaskInstance, instance)
        .outerjoin(_end, end)
        .outerjoin(_pod, pod)
        .where(*rows_of(_item, run, step, protocol.ITEM))
        .order_by(_item.map_index)
    )


def _outcome(step: str, row: Row[Any], said: Mapping[str, Any], ended: Collection[int]) -> dict[str, Any]:
    try:
        item = rows.item(row.item)
    except InvalidRow as error:
        return damaged(step, row.map_index, str(error))
    handed_on = HANDED in item and item[HANDED] == row.max_tries
    status = "success" if handed_on else _status(row.state)
    gone = "result" not in said and (handed_on or row.map_index in ended)
    if status == "success" and (wrong := fault(row.outcome, said, gone=gone)):
        return damaged(step, row.map_index, wrong, item)
    current = said if said.get("attempt") == row.try_number else {}
    return {
        **{name: item[name] for name in ("key", "payload", "parent", "depth")},
        "job": item.get("job"),
        "step": step,
        "status": status,
        "attempts": row.try_number or 0,
        "started": row.start_date.isoformat() if row.start_date else None,
        "ended": row.end_date.isoformat() if row.end_date else None,
        "result": said.get("result") if status == "success" else None,
        "error": (rows.error_of(current) or lost(rows.pod(row.pod), row.try_number)) if status == "failed" else None,
    }


def _status(state: str | None) -> str:
    if state == TaskInstanceState.SUCCESS:
        return "success"
    return "failed" if state in FAILED else "skipped"
