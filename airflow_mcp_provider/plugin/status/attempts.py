"""The attempts of a subtask, each with its reason of death: Airflow's history, our outcome, the row of its pod."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Attempt, Subtask, Why
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.states import FAILED
from airflow_mcp_provider.plugin.db.tables import TaskInstanceState
from airflow_mcp_provider.plugin.growth.run_state import Step
from airflow_mcp_provider.plugin.status.airflow_internals import TaskInstanceHistory
from airflow_mcp_provider.plugin.status.subtask_rows import SubtaskRow
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY

MOST = 100
"""The latest attempts are listed."""
DIED = (*FAILED, TaskInstanceState.UP_FOR_RETRY)
UNKNOWN = Why(code="unknown", text="the attempt failed; see its log")


def read(session: Session, run: RunRef, step: Step, row: SubtaskRow, made: Subtask) -> list[Attempt]:
    """Return the attempts of the subtask ``made``, the first one first.

    The subtasks of a batch share the attempts of their runner, so only the latest one of each is known.
    """
    latest = Attempt(number=made.attempt, started=made.started, ended=made.ended, error=made.error)
    if step.batch > 1:
        return [latest] if made.attempt else []
    ooms = rows.attempts(rows.parsed(state_store.text_of(session, run, step.name, row.map_index, store_keys.OOMS)))
    past = [_past(row, found, ooms) for found in _history(session, run, step, row)]
    return [*past, latest] if made.attempt and made.attempt not in {one.number for one in past} else past


def _history(session: Session, run: RunRef, step: Step, row: SubtaskRow) -> list[TaskInstanceHistory]:
    query = (
        select(TaskInstanceHistory)
        .where(*of_step(TaskInstanceHistory, run, step.name), TaskInstanceHistory.map_index == row.map_index)
        .order_by(TaskInstanceHistory.try_number.desc())
        .limit(MOST)
    )
    return list(session.scalars(query))[::-1]


def _past(row: SubtaskRow, found: TaskInstanceHistory, ooms: Collection[int]) -> Attempt:
    return Attempt(
        number=found.try_number,
        started=found.start_date,
        ended=found.end_date,
        error=_reason(row, found, ooms) if found.state in DIED else None,
    )


def _reason(row: SubtaskRow, found: TaskInstanceHistory, ooms: Collection[int]) -> Why:
    said, pod = rows.outcome(row.outcome), rows.pod(row.pod)
    if said is not None and said.error is not None and said.attempt == found.try_number:
        return Why(code=said.error.type, text=said.error.message)
    if pod is not None and pod.attempt == found.try_number:
        return Why(code=pod.reason, text=pod.message)
    if found.try_number in ooms:
        return Why(code=OUT_OF_MEMORY, text="the memory of the attempt ran out")
    return Why(code="failed", text=found.retry_reason) if found.retry_reason else UNKNOWN
