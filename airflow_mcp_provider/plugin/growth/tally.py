"""How many outcomes the report is given, and how their subtasks ended: a page of them at a time.

The counts of the task instances (``outcomes.counts``) tell when all has ended. What the report judges by are these:
they are of the same rows, read in the same way, as what it hands to the job's function.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.growth.outcomes import PAGE_ROWS, places
from airflow_mcp_provider.plugin.growth.reserved import Reserved
from airflow_mcp_provider.plugin.store import RunRef
from airflow_mcp_provider.runtime import wire
from airflow_mcp_provider.spec.step import RUN

NAMES = {"success": "succeeded", "failed": "failed", "skipped": "skipped"}


def tally(session: Session, run: RunRef, place: str) -> dict[str, Any]:
    """Count a page of outcomes from ``place`` on; ``next`` is where the following one begins, None after the last."""
    position, offset = map(int, place.split("."))
    state = Reserved.read(session, run)
    if state is None or position >= len(state.steps):
        return {"steps": {}, "failures": [], "next": None}
    step = state.steps[position]
    found = list(places(session, run, step, offset))
    following = f"{position + 1}.0" if position + 1 < len(state.steps) else None
    counted = Counter(NAMES[outcome["status"]] for _, outcome in found)
    failed = [outcome for _, outcome in found if outcome["status"] == "failed"]
    return {
        "steps": {step.name: {"subtasks": step.filled, **{name: counted[name] for name in NAMES.values()}}},
        "failures": [_short(outcome) for outcome in failed[: wire.FAILURES]],
        "next": f"{position}.{found[-1][0].map_index + 1}" if len(found) == PAGE_ROWS else following,
    }


def _short(outcome: dict[str, Any]) -> dict[str, str]:
    step = {} if outcome["step"] == RUN else {"step": outcome["step"]}
    told = {name: outcome["error"][name] for name in ("type", "message")}
    return {"key": outcome["key"], **step, "type": told["type"], "message": told["message"][:500]}
