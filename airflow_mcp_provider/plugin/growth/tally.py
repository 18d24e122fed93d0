"""Counts of the outcomes that the report gets, by how their subtasks ended: one page at a time.

The counts of the task instances (``outcomes.counts``) show when all have ended. The report judges by the counts here:
they are of the same rows, read in the same way, as what the job's function gets.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth.outcomes import Part
from airflow_mcp_provider.runtime import size_limits
from airflow_mcp_provider.runtime.answer_types import FailedSubtask, StepCounts, TallyPage
from airflow_mcp_provider.runtime.outcome import Error, Outcome
from airflow_mcp_provider.spec.step import RUN


def tally(session: Session, run: RunRef, place: str) -> TallyPage:
    """Count a page of outcomes from ``place`` on."""
    part = Part.read(session, run, place)
    if part is None:
        return TallyPage({}, [], None)
    counted = Counter(outcome.status for _, outcome in part.read_rows)
    counts = StepCounts(part.step.filled, counted["success"], counted["failed"], counted["skipped"])
    failed = [_failure(outcome) for _, outcome in part.read_rows if outcome.status == "failed"]
    return TallyPage({part.step.name: counts}, failed[: size_limits.FAILURES], part.after(len(part.read_rows)))


def _failure(outcome: Outcome) -> FailedSubtask:
    error = outcome.error or Error(InvalidRow.__name__, "")
    step = None if outcome.step == RUN else outcome.step
    return FailedSubtask(outcome.key, error.type, error.message[:500], step)
