"""Cancel a run, and the runs of other jobs that were made for its subtasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Cancel, Cancelled
from airflow_mcp_provider.plugin.control import find
from airflow_mcp_provider.plugin.control.worker import carry_out
from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import DEFAULT_GRACE, End, Reason
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store
from airflow_mcp_provider.plugin.queue.cancel import Reached, end_run
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.runtime import store_keys

T = TypeVar("T")
AT_ONCE = 500
"""Runs of a query."""
Child = tuple[RunRef, bool]
"""A run that a subtask made, and whether it is active."""


async def cancel(dag_id: str, run_id: str, request: Cancel, user: str | None) -> Cancelled:
    """Cancel a run; returns what was reached. No task of it or of its child runs starts afterwards.

    Each run has a transaction of its own: a deadlock with the scheduler undoes one, which is repeated. A run that has
    ended is left as it is, and the child runs of it that are active are cancelled: so the same request goes on where
    one has failed half-way. Raises ControlRefused.
    """
    end = _end(request, user)
    run, reached = await carry_out(partial(_first, dag_id, run_id, end))
    for_child = replace(end, text=f"the run {run_id} of {dag_id} was cancelled, which made this one for a subtask")
    running, waiting, ended = reached.running, reached.waiting, 0
    seen, level = {run}, [run]
    while level:
        found = await carry_out(partial(_children, level), _so_far(run, ended))
        below = [(child, active) for child, active in found if child not in seen]
        level = [child for child, _ in below]
        seen.update(level)
        for child in (child for child, active in below if active):
            reached = await carry_out(partial(_next, child, for_child), _so_far(run, ended))
            running, waiting = running + reached.running, waiting + reached.waiting
            ended += reached.was_active
    state = await carry_out(partial(find.state_of, run), _so_far(run, ended))
    return Cancelled(run=run_id, state=state, running=running, waiting=waiting, children=ended)


def _end(request: Cancel, user: str | None) -> End:
    grace = DEFAULT_GRACE if request.grace is None else request.grace
    text = request.reason.strip() or (f"by {user}" if user else "by a user")
    return End(Reason.CANCELLED, text, by=user, grace=grace)


def _so_far(run: RunRef, ended: int) -> str:
    """Say what was done when something else could not be."""
    return f"run {run.run_id} of job {run.dag_id} has ended, and {ended} of the runs that its subtasks made"


def _first(dag_id: str, run_id: str, end: End, session: Session) -> tuple[RunRef, Reached]:
    run = find.run(session, dag_id, run_id)
    return run, _next(run, end, session)


def _next(run: RunRef, end: End, session: Session) -> Reached:
    return end_run(session, run, end, GateSettings.read().end_grace)


def _children(runs: Sequence[RunRef], session: Session) -> list[Child]:
    """Return the runs that subtasks of ended runs made, without those that succeeded.

    Complete: a run that has ended makes no further one. A failed one may be one that was cancelled, and that has active
    ones itself. Those of one that succeeded are ended by the scheduler (``child_runs.cancel_abandoned``).
    """
    called: set[tuple[str, str]] = set()
    for part in _parts([run.id for run in runs]):
        query = select(Store.value).where(Store.dag_run_id.in_(part), Store.key == store_keys.CALLED)
        found = (value for text in session.scalars(query) if isinstance(value := rows.parsed(text), dict))
        called |= {(str(value.get("job")), str(value.get("run"))) for value in found}
    return [child for part in _parts(sorted(called)) for child in _read(session, part)]


def _read(session: Session, named: Sequence[tuple[str, str]]) -> list[Child]:
    query = select(DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state).where(
        tuple_(DagRun.dag_id, DagRun.run_id).in_(named), DagRun.state != DagRunState.SUCCESS
    )
    return [(RunRef(number, job, run_id), state in RUN_ACTIVE) for number, job, run_id, state in session.execute(query)]


def _parts(several: Sequence[T]) -> Iterator[Sequence[T]]:
    return (several[first : first + AT_ONCE] for first in range(0, len(several), AT_ONCE))
