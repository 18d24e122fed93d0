"""What a run's subtasks ended with, read from Airflow's tables: pages and counts for the report."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, func, or_, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run, of_step
from airflow_mcp_provider.plugin.db.state_store import PLAN, rows_of
from airflow_mcp_provider.plugin.db.states import FAILED
from airflow_mcp_provider.plugin.db.tables import DagRun, Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth import batch_outcomes
from airflow_mcp_provider.plugin.growth.batch_outcomes import RowOutcome, lost
from airflow_mcp_provider.plugin.growth.lost_outcomes import damaged, ended_by_runners, fault, has_result
from airflow_mcp_provider.plugin.growth.next_step import continued_now, is_continued
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import Counts, OutcomesPage, StepCounts
from airflow_mcp_provider.runtime.messages import StoredOutcome
from airflow_mcp_provider.runtime.outcome import Error, Outcome, Status
from airflow_mcp_provider.spec.step import RUN

PAGE_ROWS = 500
PAGE_BYTES = 1_000_000
PLACE = re.compile(r"\d{1,4}\.\d{1,9}")
"""Of a page: the step and the first place in it, both counted."""


def page(session: Session, run: RunRef, place: str) -> OutcomesPage:
    """Return outcomes from ``place`` on, step by step."""
    part = Part.read(session, run, place)
    if part is None:
        return OutcomesPage([], None)
    outcomes: list[Outcome] = []
    size = 0
    for row, outcome in part.read_rows:
        outcomes.append(outcome)
        size += len(row.item) + len(row.outcome or "")
        if size > PAGE_BYTES:
            break
    return OutcomesPage(outcomes, part.after(len(outcomes)))


@dataclass(frozen=True, slots=True)
class Part:
    """Up to PAGE_ROWS rows of a step, each with its outcome; the step is the run's at ``position``, of ``steps``."""

    step: Step
    position: int
    steps: int
    read_rows: tuple[RowOutcome, ...]

    @classmethod
    def read(cls, session: Session, run: RunRef, place: str) -> Self | None:
        """Read the rows from ``place`` on; None where the run has no such step."""
        position, offset = map(int, place.split("."))
        state = RunState.read(session, run)
        if state is None or position >= len(state.steps):
            return None
        step = state.steps[position]
        return cls(step, position, len(state.steps), tuple(_read(session, run, step, offset)))

    def after(self, count: int) -> str | None:
        """Return the place that follows the first ``count`` rows; None: there is none."""
        if count < len(self.read_rows) or count == PAGE_ROWS:
            return f"{self.position}.{self.read_rows[count - 1][0].map_index + 1}"
        return f"{self.position + 1}.0" if self.position + 1 < self.steps else None


def _read(session: Session, run: RunRef, step: Step, offset: int) -> Iterator[RowOutcome]:
    if step.batch > 1:
        yield from batch_outcomes.page(session, run, step, offset, PAGE_ROWS)
        return
    read = session.execute(_query(run, step.name).where(_item.map_index >= offset).limit(PAGE_ROWS)).all()
    outcomes = [(row, rows.outcome(row.outcome)) for row in read]
    silent = [row.map_index for row, said in outcomes if _status(row.state) == "success" and not has_result(said)]
    ended = ended_by_runners(session, run, step.name, silent)
    for row, said in outcomes:
        yield row, _outcome(step.name, row, said, ended)


def counts(session: Session, run: RunRef) -> Counts:
    """Count the run's subtasks by how they ended, each once; ``pending`` are those that have not, or not begun."""
    state = RunState.read(session, run)
    plan = session.scalar(_task(run, PLAN).with_only_columns(TaskInstance.state))
    halted = state is not None and state.halted(_clear_number(session, run))
    steps = _steps(session, run, state, halted=halted) if state else {}
    failed, skipped, pending = (
        sum(getattr(step, name) for step in steps.values()) for name in ("failed", "skipped", "pending")
    )
    known = state.subtasks if state else 0
    return Counts(
        reserved=known,
        succeeded=known - failed - skipped - pending,
        failed=failed,
        skipped=skipped,
        pending=pending if plan == TaskInstanceState.SUCCESS else 0,
        plan=str(plan),
        steps={} if list(steps) == [RUN] else steps,
    )


def unfinished(session: Session, run: RunRef, state: RunState, step: str) -> int:
    """Count the subtasks of the steps before ``step`` that have not ended."""
    counted = _steps(session, run, state, halted=False)
    return sum(counted[earlier.name].pending for earlier in state.before(step))


def failing(session: Session, run: RunRef, state: RunState) -> int:
    """Count the failed subtasks whose task instances have not failed: not yet, or they serve others, too."""
    of_batches = sum(batch_outcomes.counted(session, run, step, halted=False).failed for step in batched(state))
    return of_batches + _failing(session, run, [step.name for step in state.steps if step.batch == 1])


def _failing(session: Session, run: RunRef, steps: Sequence[str]) -> int:
    """Count the running task instances that have reported the failure of their last attempt."""
    query = (
        select(func.count())
        .select_from(TaskInstance)
        .join(Store, (Store.task_id == TaskInstance.task_id) & (Store.map_index == TaskInstance.map_index))
        .where(*of_run(TaskInstance, run), TaskInstance.task_id.in_(steps))
        .where(TaskInstance.state == TaskInstanceState.RUNNING)
        .where(Store.dag_run_id == run.id, Store.key == store_keys.FINAL)
        .where(Store.value == cast(TaskInstance.try_number, String))
    )
    return session.scalar(query) or 0


States = Mapping[tuple[str, str | None], int]
"""How many task instances there are, by task and state."""


def _steps(session: Session, run: RunRef, state: RunState, *, halted: bool) -> dict[str, StepCounts]:
    batches = {step.name: batch_outcomes.counted(session, run, step, halted=halted) for step in batched(state)}
    return by_step(session, run, state, _states(session, run, state), batches, halted=halted)


def by_step(  # noqa: PLR0913 - all that the counts are made of
    session: Session, run: RunRef, state: RunState, states: States, batches: Mapping[str, StepCounts], *, halted: bool
) -> dict[str, StepCounts]:
    """Count the subtasks of each step; ``batches`` are the counts of the steps that ``batched`` returns."""
    later = _continued(session, run) if len(state.steps) > 1 else {}
    return {step.name: batches.get(step.name) or _counted(step, states, later, halted=halted) for step in state.steps}


def batched(state: RunState) -> list[Step]:
    """Return the steps whose task instances serve several subtasks."""
    return [step for step in state.steps if step.batch > 1]


def _counted(step: Step, ended: States, continued: States, *, halted: bool) -> StepCounts:
    """Count by how they ended. One that continued in the next step has succeeded, however its runner ended."""

    def of(counts: States, *states: str) -> int:
        return sum(counts.get((step.name, state), 0) for state in states)

    done = of(continued, *FAILED), of(continued, TaskInstanceState.SKIPPED)
    succeeded = of(ended, TaskInstanceState.SUCCESS) + sum(done)
    failed = of(ended, *FAILED) - done[0]
    skipped = of(ended, TaskInstanceState.SKIPPED) - done[1]
    if halted:
        skipped += step.reserved - sum(count for (name, _), count in ended.items() if name == step.name)
    pending = step.reserved - succeeded - failed - skipped
    return StepCounts(step.reserved, succeeded, failed, skipped, pending)


def of_subtasks(state: RunState) -> ColumnElement[bool]:
    """Select the task instances that serve the subtasks of a run."""
    return or_(
        *(
            (TaskInstance.task_id == step.name)
            & (TaskInstance.map_index >= 0)
            & (TaskInstance.map_index < step.reserved)
            for step in state.steps
        )
    )


def _states(session: Session, run: RunRef, state: RunState) -> States:
    query = (
        select(TaskInstance.task_id, TaskInstance.state, func.count())
        .where(*of_run(TaskInstance, run), of_subtasks(state))
        .group_by(TaskInstance.task_id, TaskInstance.state)
    )
    return {(step, state): count for step, state, count in session.execute(query)}


def _continued(session: Session, run: RunRef) -> States:
    """Count those whose runners failed after their subtasks had continued in the next step."""
    query = (
        select(TaskInstance.task_id, TaskInstance.state, func.count())
        .join(Store, (Store.task_id == TaskInstance.task_id) & (Store.map_index == TaskInstance.map_index))
        .where(*of_run(TaskInstance, run))
        .where(TaskInstance.state.in_([*FAILED, TaskInstanceState.SKIPPED]))
        .where(Store.dag_run_id == run.id, continued_now())
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
_life = aliased(Store)


def _query(run: RunRef, step: str) -> Any:  # noqa: ANN401 - a Select of ten columns
    instance = and_(*of_step(TaskInstance, run, step), TaskInstance.map_index == _item.map_index)
    end = and_(*rows_of(_end, run, step, store_keys.OUTCOME), _end.map_index == _item.map_index)
    pod = and_(*rows_of(_pod, run, step, store_keys.POD), _pod.map_index == _item.map_index)
    life = and_(*rows_of(_life, run, step, store_keys.CONTINUED), _life.map_index == _item.map_index)
    columns = (
        _item.map_index,
        _item.value.label("item"),
        _end.value.label("outcome"),
        _pod.value.label("pod"),
        _life.value.label("continued"),
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
        .outerjoin(_life, life)
        .where(*rows_of(_item, run, step, store_keys.ITEM))
        .order_by(_item.map_index)
    )


def _outcome(step: str, row: Row[Any], said: StoredOutcome | None, ended: Collection[int]) -> Outcome:
    try:
        item = rows.item(row.item)
    except InvalidRow as error:
        return damaged(step, row.map_index, str(error))
    continued = is_continued(row.continued, row.max_tries)
    status: Status = "success" if continued else _status(row.state)
    gone = not has_result(said) and (continued or row.map_index in ended)
    if status == "success" and (wrong := fault(row.outcome, said, gone=gone)):
        return damaged(step, row.map_index, wrong, item)
    return item.ended(
        step=step,
        status=status,
        attempts=row.try_number or 0,
        started=row.start_date,
        ended=row.end_date,
        result=said.value if said and status == "success" else None,
        error=_error(row, said) if status == "failed" else None,
    )


def _error(row: Row[Any], said: StoredOutcome | None) -> Error:
    current = said if said and said.attempt == row.try_number else None
    return (current and current.error) or lost(rows.pod(row.pod), row.try_number)


def _status(state: str | None) -> Status:
    if state == TaskInstanceState.SUCCESS:
        return "success"
    return "failed" if state in FAILED else "skipped"
