"""Outcomes that are lost or damaged: which they are, and what the report gets for them.

A subtask that a person has marked as success has no outcome, and needs none. A runner stores its subtask's outcome and
then reports success to Airflow: where there is no outcome then, its row was removed. Airflow's audit log has what
runners report, which distinguishes the two.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import SAME_ATTEMPT, RunRef, of_step, same
from airflow_mcp_provider.plugin.db.tables import Log, TaskInstance, TaskInstanceState
from airflow_mcp_provider.runtime import redaction, store_keys
from airflow_mcp_provider.runtime.messages import Item, StoredOutcome
from airflow_mcp_provider.runtime.outcome import Outcome

GONE = f"the outcome is missing: the row {store_keys.OUTCOME} of the state store was removed"


def ended_by_runners(session: Session, run: RunRef, step: str, indexes: Collection[int]) -> set[int]:
    """Return those task instances whose runners, not a person, ended the current try as success."""
    if not indexes:
        return set()
    query = (
        select(TaskInstance.map_index)
        .join(Log, same(Log, TaskInstance, SAME_ATTEMPT))
        .where(*of_step(TaskInstance, run, step))
        .where(TaskInstance.map_index.in_(sorted(indexes)), Log.event == TaskInstanceState.SUCCESS)
    )
    return set(session.scalars(query))


def has_result(outcome: StoredOutcome | None) -> bool:
    """Whether a stored outcome has a result."""
    return outcome is not None and outcome.result is not UNSET


def fault(text: str | None, outcome: StoredOutcome | None, *, gone: bool) -> str | None:
    """Return what is wrong with the outcome of a subtask that succeeded, None where nothing is.

    ``text`` is its row, ``outcome`` what was read in it; ``gone``: it should have a result, and has none.
    """
    if text is not None and outcome is None:
        return f"the row {store_keys.OUTCOME} of the state store is damaged: {redaction.shown(text)}"
    return GONE if gone else None


def damaged(step: str, place: int, message: str, item: Item | None = None) -> Outcome:
    """Return the outcome of a subtask whose rows cannot be read."""
    known = item or Item(f"{step}[{place}]", {}, None, 0)
    error = rows.damage(message)
    return known.ended(step=step, status="failed", attempts=0, started=None, ended=None, error=error)
