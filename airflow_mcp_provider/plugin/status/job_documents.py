"""The document of a job, and lists of jobs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Job, Jobs, JobSummary, Runs, RunSummary
from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.plugin.status import import_errors, job_rows, job_spec, queues, run_rows, watches
from airflow_mcp_provider.plugin.status.airflow_internals import serialized_dag
from airflow_mcp_provider.plugin.status.job_rows import JobRow, Wanted
from airflow_mcp_provider.plugin.status.queues import Queue
from airflow_mcp_provider.plugin.status.run_documents import summaries, summaries_in

LAST = 10
UPCOMING = 5
QUEUE = 100
MOST_DIGITS = 18
"""Of a cursor: as many as each database compares with an id."""


def page(session: Session, wanted: Wanted, limit: int, *, traces: bool) -> Jobs:
    """Return up to ``limit`` jobs; the cursor of the next page is the id of the last job.

    ``traces``: with what import errors say.
    """
    rows = job_rows.page(session, wanted, limit + 1)
    found = queues.read(session, [row.job for row in rows[:limit]])
    made = _summaries(session, rows[:limit], found, traces=traces)
    return Jobs(jobs=made, next=rows[limit - 1].job if len(rows) > limit else None)


def document(session: Session, job: str, *, traces: bool) -> Job | None:
    """Return the document of a job; None where there is no such job. ``traces``: with what its import error says."""
    row = job_rows.one(session, job)
    if row is None:
        return None
    dag = serialized_dag(session, job)
    found = queues.read(session, [job])[job]
    (summary,) = _summaries(session, [row], {job: found}, traces=traces)
    spec = job_spec.spec(dag, queues.marker_of(job))
    return Job(
        **{name: getattr(summary, name) for name in JobSummary.model_fields},
        params=job_spec.params(dag),
        spec=spec,
        spec_text=job_spec.text(spec),
        schedule=row.schedule,
        schedule_description=row.schedule_description,
        upcoming=[] if row.stale else job_spec.upcoming(dag, clock.now(), UPCOMING),
        queue=_waiting(session, row.job, found),
    )


def runs(session: Session, job: str, states: Sequence[str], cursor: str | None, limit: int) -> Runs:
    """Return up to ``limit`` runs of a job, the newest first; ``states`` are Airflow's, none: all.

    Raises InvalidPayload for an invalid cursor.
    """
    query = run_rows.query().where(DagRun.dag_id == job)
    if states:
        query = query.where(DagRun.state.in_(states))
    if cursor is not None:
        query = query.where(DagRun.id < _number(cursor))
    rows = run_rows.read(session, query.order_by(DagRun.id.desc()).limit(limit + 1))
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    return Runs(runs=summaries(session, rows[:limit]), next=more)


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > MOST_DIGITS:
        raise InvalidPayload(f"invalid cursor {cursor!r:.80}; expected the field next of an earlier page")
    return int(cursor)


def _summaries(session: Session, rows: Sequence[JobRow], found: dict[str, Queue], *, traces: bool) -> list[JobSummary]:
    names = [row.job for row in rows]
    tags, queued = job_rows.tags(session, names), job_rows.queued(session, names)
    latest, errors = job_rows.latest_runs(session, names, LAST), import_errors.of(session, rows, traces=traces)
    made: dict[str, list[RunSummary]] = {name: [] for name in names}
    for run in summaries_in(session, [run for runs in latest.values() for run in runs], found):
        made[run.job].append(run)
    watched = watches.of(session, rows)
    return [
        JobSummary(
            job=row.job,
            description=row.description,
            tags=tags[row.job],
            paused=row.paused,
            queued=queued.get(row.job, 0),
            holder=found[row.job].holder,
            next_run=None if row.stale else row.next_run,
            error=_error(row, errors.get(row.job)),
            watch=watched.get(row.job),
            last=made[row.job],
        )
        for row in rows
    ]


LAST_VALID = "runs of the job have the last valid version of its spec"


def _error(row: JobRow, error: str | None) -> str | None:
    if row.stale:
        return error or f"the DAG file {row.file or ''} does not define this job any more"
    return error and f"{error}\n{LAST_VALID}"


def _waiting(session: Session, job: str, queue: Queue) -> list[RunSummary]:
    """Return the first waiting runs, in the order of the queue."""
    first = queue.waiting[:QUEUE]
    rows = run_rows.read(session, run_rows.query().where(DagRun.dag_id == job, DagRun.run_id.in_(first)))
    made = summaries_in(session, rows, {job: queue})
    return sorted(made, key=lambda run: run.position or 0)
