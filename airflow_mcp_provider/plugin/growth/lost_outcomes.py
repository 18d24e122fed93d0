"""Outcomes that are lost or damaged: which they are, and what the report is told of one.

A subtask that a person has marked as success has no outcome, and needs none. A runner keeps its subtask's outcome and
then tells Airflow that it ended well: where there is none, its row was removed. Airflow notes in its audit log what a
runner tells, which tells the two apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import SAME_ATTEMPT, RunRef, of_step, same
from airflow_mcp_provider.plugin.db.tables import Log, TaskInstance, TaskInstanceState
from airflow_mcp_provider.runtime import protocol, redaction

GONE = f"its outcome is missing: the row {protocol.OUTCOME} of the state store was removed"


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


def fault(text: str | None, said: Mapping[str, Any], *, gone: bool) -> str | None:
    """Say what is wrong with the outcome of a subtask that succeeded.

    ``text`` is its row, ``said`` what was read in it; ``gone``: it should have been there with a result.
    """
    if text is not None and not said:
        return f"its row {protocol.OUTCOME} has {redaction.shown(text)}"
    return GONE if gone else None


def damaged(step: str, place: int, message: str, item: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the outcome of a subtask whose rows cannot be read."""
    known = item or {"key": f"{step}[{place}]", "payload": {}, "parent": None, "depth": 0}
    return {
        **{name: known[name] for name in ("key", "payload", "parent", "depth")},
        "job": known.get("job"),
        "step": step,
        "status": "failed",
        "attempts": 0,
        "started": None,
        "ended": None,
        "result": None,
        "error": rows.told(message),
    }
