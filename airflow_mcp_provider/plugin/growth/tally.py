"""How many outcomes the report is given, and how their subtasks ended: a page of them at a time.

The counts of the task instances (``outcomes.counts``) tell when all has ended. What the report judges by are these:
they are of the same rows, read in the same way, as what it hands to the job's function.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth.outcomes import Part
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.spec.step import RUN

NAMES = {"success": "succeeded", "failed": "failed", "skipped": "skipped"}


def tally(session: Session, run: RunRef, place: str) -> dict[str, Any]:
    """Count a page of outcomes from ``place`` on; ``next`` is where the following one begins, None after the last."""
    part = Part.read(session, run, place)
    if part is None:
        return {"steps": {}, "failures": [], "next": None}
    counted = Counter(NAMES[outcome["status"]] for _, outcome in part.told)
    failed = [outcome for _, outcome in part.told if outcome["status"] == "failed"]
    counts = {"subtasks": part.step.filled, **{name: counted[name] for name in NAMES.values()}}
    return {
        "steps": {part.step.name: counts},
        "failures": [_short(outcome) for outcome in failed[: protocol.FAILURES]],
        "next": part.after(len(part.told)),
    }


def _short(outcome: dict[str, Any]) -> dict[str, str]:
    step = {} if outcome["step"] == RUN else {"step": outcome["step"]}
    told = {name: outcome["error"][name] for name in ("type", "message")}
    return {"key": outcome["key"], **step, "type": told["type"], "message": told["message"][:500]}
