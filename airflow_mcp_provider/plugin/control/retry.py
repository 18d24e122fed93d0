"""Run subtasks of an ended run again: those that failed or were skipped, or those with given keys.

Their task instances and the report are cleared, as by a user in Airflow; everything else is kept. Then the run waits in
the queue of its job like any other. Nothing works in an ended run, so it is cleared in several transactions, and is
queued in the last one. The report is cleared in the first: where one in between fails, the run has something to do, and
the same request goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from uuid import UUID

import structlog
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Retried, Retry
from airflow_mcp_provider.client.models import RunState as State
from airflow_mcp_provider.plugin.control import find, selection
from airflow_mcp_provider.plugin.control.airflow_internals import clear_task_instances
from airflow_mcp_provider.plugin.control.refused import ControlRefused, conflict
from airflow_mcp_provider.plugin.control.selection import Selection
from airflow_mcp_provider.plugin.control.worker import NOTHING, carry_out
from airflow_mcp_provider.plugin.db import run_notes
from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.state_store import REPORT
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.queue.airflow_internals import lock_run

AT_ONCE = 50
"""Task instances of a transaction: on a busy machine Airflow clears about 50 in a second."""

log = structlog.get_logger(__name__)


async def retry(dag_id: str, run_id: str, request: Retry) -> Retried:
    """Run subtasks again; returns how many. Raises ControlRefused: the run has not ended, or there are no such keys."""
    run, selected = await carry_out(partial(_select, dag_id, run_id, request.keys))
    if not selected.instances:
        return Retried(run=run_id, state=await carry_out(partial(find.state_of, run)), subtasks=0)
    for first in range(0, len(selected.instances), AT_ONCE):
        await carry_out(partial(_clear, run, selected, first), _so_far(selected, first) if first else NOTHING)
    log.info("run retried", job=dag_id, run=run_id, subtasks=selected.subtasks)
    return Retried(run=run_id, state=State.QUEUED, subtasks=selected.subtasks)


def _so_far(selected: Selection, first: int) -> str:
    """Say what was done when something else could not be."""
    return f"{first} of {len(selected.instances)} task instances were cleared"


def _select(dag_id: str, run_id: str, keys: list[str] | None, session: Session) -> tuple[RunRef, Selection]:
    run = find.run(session, dag_id, run_id)
    _ended(session, run)
    state = RunState.read(session, run)
    if keys is None:
        return run, selection.select_all(session, run, state)
    if not keys:
        raise ControlRefused(
            "no_keys", "keys is empty; leave it out to retry all that failed", HTTPStatus.UNPROCESSABLE_ENTITY
        )
    return run, selection.select_keys(session, run, state, keys)


def _ended(session: Session, run: RunRef) -> DagRun:
    """Lock the run; raises ControlRefused for one that was deleted (404), or that has not ended (409)."""
    locked = lock_run(session, run.id) or find.gone(run)
    if locked.state in RUN_ACTIVE:
        raise conflict("not_ended", f"run {run.run_id} of job {run.dag_id} has not ended; cancel it, or wait")
    return locked


def _clear(run: RunRef, selected: Selection, first: int, session: Session) -> None:
    """Clear some of the task instances, from ``first`` on; the last part queues the run."""
    try:
        locked = _ended(session, run)
    except ControlRefused as error:
        if not first:
            raise
        text = f"{error.text}; {_so_far(selected, first)}, retry the others when it has ended"
        raise ControlRefused(error.kind, text, HTTPStatus(error.status_code)) from None
    last = first + AT_ONCE >= len(selected.instances)
    instances = _instances(session, run, list(selected.instances.values())[first : first + AT_ONCE], last=last)
    clear_task_instances(instances, session, dag_run_state=DagRunState.QUEUED if last else False)
    for one in instances:
        if batch := selected.batches.get((one.task_id, one.map_index)):
            replace(batch, life=one.max_tries).write(session, run, one.task_id, one.map_index)
    if last:
        run_notes.clear(session.connection(), locked.id)


def _instances(session: Session, run: RunRef, ids: Sequence[UUID], *, last: bool) -> list[TaskInstance]:
    """Return those that are there: a task instance that somebody else has cleared has another id.

    The ``last`` ones are with the report, whatever its id is: with none Airflow would not queue the run.
    """
    wanted = TaskInstance.id.in_(ids)
    query = select(TaskInstance).where(wanted | and_(*of_step(TaskInstance, run, REPORT)) if last else wanted)
    return list(session.scalars(query).unique())
