"""The document of a run, and lists of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Run, RunState, RunSummary
from airflow_mcp_provider.plugin.db import clock, nesting
from airflow_mcp_provider.plugin.db.states import RUN_ENDED
from airflow_mcp_provider.plugin.db.tables import DagRunState
from airflow_mcp_provider.plugin.queue import ordering
from airflow_mcp_provider.plugin.status import addresses, progress, queues, reasons, run_rows
from airflow_mcp_provider.plugin.status.airflow_internals import report_value
from airflow_mcp_provider.plugin.status.queues import Queue
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.runtime import redaction


def document(session: Session, job: str, run_id: str) -> Run | None:
    """Return the document of a run; None where the job has no such run."""
    row = run_rows.one(session, job, run_id)
    return None if row is None else _document(session, row)


def _document(session: Session, row: RunRow) -> Run:
    now = clock.now()
    state = row.judged(alive=bool(run_rows.alive(session, [row])), now=now)
    queue = queues.read(session, [row.job])[row.job] if state is RunState.QUEUED else None
    report = report_value(session, row.id) if row.state in RUN_ENDED else None
    return Run(
        job=row.job,
        run=row.run_id,
        state=state,
        done=state.done,
        position=queue.position(row.run_id) if queue else None,
        reason=reasons.of(row, state, queue, now),
        priority=_priority(session, row),
        parallelism=row.parallelism if row.state == DagRunState.RUNNING else None,
        submitter=row.submitter,
        conf=redaction.value(nesting.cut(row.own_conf)),
        submitted=row.submitted,
        not_before=row.run_after if row.run_after > row.submitted else None,
        started=row.started,
        ended=row.ended if row.state in RUN_ENDED else None,
        progress=progress.read(session, row, now),
        result=nesting.cut(report.get("result")) if isinstance(report, dict) else None,
        error=reasons.error(row, state, report),
        note=reasons.persons_note(row),
        links=addresses.links(row.job, row.run_id),
    )


def _priority(session: Session, row: RunRow) -> int:
    if row.own_priority is None:
        return queues.marker(session, row.job).priority
    return ordering.priority(row.own_priority, queues.marker_of(row.job))


def summaries(session: Session, rows: Sequence[RunRow]) -> list[RunSummary]:
    """Return runs as a list has them."""
    waiting = {row.job for row in rows if row.state == DagRunState.QUEUED}
    found = queues.read(session, waiting) if waiting else {}
    queues.learn(session, {row.job for row in rows} - waiting)
    return summaries_in(session, rows, found)


def summaries_in(session: Session, rows: Sequence[RunRow], found: dict[str, Queue]) -> list[RunSummary]:
    """Return runs as a list has them, with the queues of their jobs, whose markers were read."""
    now = clock.now()
    alive = run_rows.alive(session, rows)
    return [_summary(row, row.judged(alive=row.id in alive, now=now), found.get(row.job), now) for row in rows]


def _summary(row: RunRow, state: RunState, queue: Queue | None, now: datetime) -> RunSummary:
    return RunSummary(
        job=row.job,
        run=row.run_id,
        state=state,
        done=state.done,
        position=queue.position(row.run_id) if queue and state is RunState.QUEUED else None,
        reason=reasons.in_short(row, state, queue, now),
        priority=ordering.priority(row.own_priority, queues.marker_of(row.job)),
        submitter=row.submitter,
        submitted=row.submitted,
        started=row.started,
        ended=row.ended if row.state in RUN_ENDED else None,
        failed=row.failed if row.state in RUN_ENDED else None,
    )
