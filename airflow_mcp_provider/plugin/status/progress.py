"""The progress of a run, counted in the database: the same number of queries for ten subtasks and for ten thousand.

Only a step with ``batch`` costs more: its batches are read, one row per task instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Progress, StepProgress
from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import PLACE, RunRef, of_run, same
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.growth import outcomes
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.status import batch_progress
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import StepCounts

WORKING = (TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)
NOTHING = Progress(known=0, done=0, failed=0, skipped=0, running=0, fraction=None, rate=None, eta=None, message=None)


@dataclass(frozen=True, slots=True)
class Group:
    """The task instances of a task in one state."""

    task_id: str
    state: str | None
    count: int
    first: datetime | None
    last: datetime | None


def read(session: Session, row: RunRow, now: datetime) -> Progress | None:
    """Return the progress; None for a run that has not started."""
    if row.started is None:
        return None
    state = _state(session, row.ref)
    if state is None:
        return NOTHING
    found = _groups(session, row.ref, state)
    planned = any(one.task_id == PLAN and one.state == TaskInstanceState.SUCCESS for one in found)
    groups = [one for one in found if one.task_id != PLAN]
    batches = {
        step.name: batch_progress.read(
            session, row.ref, step, halted=state.halted(row.clear_number), cut=row.end is not None
        )
        for step in outcomes.batched(state)
    }
    steps = outcomes.by_step(
        session,
        row.ref,
        state,
        {(one.task_id, one.state): one.count for one in groups},
        {name: batch.counts for name, batch in batches.items()},
        halted=state.halted(row.clear_number),
    )
    unbatched = [one for one in groups if one.task_id not in batches]
    running = _running(unbatched) + sum(batch.running for batch in batches.values())
    touched = max((batch.touched for batch in batches.values() if batch.touched), default=None)
    message = _message(session, row.ref) if running else None
    works = {**_running_by_step(unbatched), **{name: batch.running for name, batch in batches.items()}}
    made = _progress(state, steps, running, message, _Pace(groups, touched, planned=planned, now=now))
    return made.model_copy(update={"steps": [_of_step(name, one, works.get(name, 0)) for name, one in steps.items()]})


@dataclass(frozen=True, slots=True)
class _Pace:
    """``touched``: when a subtask of a batch has ended or begun at last."""

    groups: Sequence[Group]
    touched: datetime | None
    planned: bool
    now: datetime

    def rate(self, ended: int) -> float | None:
        """Subtasks per second, from the start of the first to the end of the latest."""
        first = min((one.first for one in self.groups if one.first), default=None)
        last = self.last
        if not ended or first is None or last is None or last <= first:
            return None
        return round(ended / (last - first).total_seconds(), 4)

    @property
    def last(self) -> datetime | None:
        """When the latest subtask ended."""
        return max((time for time in (*(one.last for one in self.groups), self.touched) if time), default=None)

    def eta(self, remaining: int, rate: float | None) -> datetime | None:
        """Return when the remaining ones will have ended; None where that has passed, or is unknown."""
        if not remaining or not rate or self.last is None:
            return None
        found = self.last + timedelta(seconds=min(remaining / rate, 1e8))
        return found.replace(microsecond=0) if found > self.now else None


def _progress(
    state: RunState, steps: dict[str, StepCounts], running: int, message: str | None, pace: _Pace
) -> Progress:
    failed, skipped, pending = (
        sum(getattr(step, name) for step in steps.values()) for name in ("failed", "skipped", "pending")
    )
    done = max(0, state.subtasks - failed - skipped - pending)
    ended = done + failed + skipped
    rate = pace.rate(ended)
    fraction = round(ended / state.subtasks, 4) if state.subtasks else 1.0
    return Progress(
        known=state.subtasks,
        done=done,
        failed=failed,
        skipped=skipped,
        running=running,
        fraction=fraction if pace.planned else None,
        rate=rate,
        eta=pace.eta(pending, rate),
        message=message,
    )


def _running_by_step(groups: Iterable[Group]) -> dict[str, int]:
    return {one.task_id: _running(each for each in groups if each.task_id == one.task_id) for one in groups}


def _of_step(name: str, counts: StepCounts, running: int) -> StepProgress:
    """Return the counts of a step; of those that have not ended, ``running`` are running."""
    return StepProgress(
        step=name,
        known=counts.subtasks,
        waiting=max(0, counts.pending - running),
        running=min(running, counts.pending),
        succeeded=counts.succeeded,
        failed=counts.failed,
        skipped=counts.skipped,
    )


def _state(session: Session, run: RunRef) -> RunState | None:
    try:
        return RunState.read(session, run)
    except InvalidRow:
        return None


def _groups(session: Session, run: RunRef, state: RunState) -> list[Group]:
    times = func.min(TaskInstance.start_date), func.max(TaskInstance.end_date)
    query = (
        select(TaskInstance.task_id, TaskInstance.state, func.count(), *times)
        .where(*of_run(TaskInstance, run), or_(outcomes.of_subtasks(state), TaskInstance.task_id == PLAN))
        .group_by(TaskInstance.task_id, TaskInstance.state)
    )
    return [Group(*row) for row in session.execute(query)]


def _running(groups: Iterable[Group]) -> int:
    return sum(one.count for one in groups if one.state in WORKING)


def _message(session: Session, run: RunRef) -> str | None:
    """Return the latest progress message of the task instances that are running."""
    query = (
        select(Store.value)
        .join(TaskInstance, and_(same(Store, TaskInstance, PLACE), *of_run(TaskInstance, run)))
        .where(TaskInstance.state.in_(WORKING), Store.dag_run_id == run.id, Store.key == store_keys.PROGRESS)
        .order_by(Store.updated_at.desc())
        .limit(1)
    )
    found = rows.parsed(session.scalar(query))
    text = found.get("message") if isinstance(found, dict) else None
    return text if isinstance(text, str) else None
