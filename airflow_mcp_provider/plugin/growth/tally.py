"""Counts of the outcomes that the report gets, by how their subtasks ended: one page at a time.

The counts of the task instances (``outcomes.counts``) show when all have ended. The report judges by the counts here:
they are of the same rows, read in the same way, as what the job's function gets.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from airflow_mcp_provider.operators.tally import page as tally_page
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth.outcomes import Part
from airflow_mcp_provider.runtime.answer_types import TallyPage


def tally(session: Session, run: RunRef, place: str) -> TallyPage:
    """Count a page of outcomes from ``place`` on."""
    part = Part.read(session, run, place)
    if part is None:
        return TallyPage({}, [], None)
    outcomes = [outcome for _, outcome in part.read_rows]
    return tally_page(part.step.name, part.step.filled, outcomes, part.after(len(part.read_rows)))
