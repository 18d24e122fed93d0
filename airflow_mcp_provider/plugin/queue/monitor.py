"""A scheduler's regular check of all queued runs of jobs (``plugin.scheduler`` has the thread).

Airflow calls the gate only for a run that it could start. While one run takes hours, the runs behind it would not be
ended after their queue timeout, and their notes would not be updated. Every scheduler does the check; rows that another
scheduler or the gate has locked are skipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import islice

import structlog
from sqlalchemy import Connection, select

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.db import clock, run_notes
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.locks import limit_waiting, savepoint
from airflow_mcp_provider.plugin.db.run_end import End
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, DagTag, create_session
from airflow_mcp_provider.plugin.queue import ordering, slot
from airflow_mcp_provider.plugin.queue.airflow_internals import lock_queued
from airflow_mcp_provider.plugin.queue.cancel import end_run
from airflow_mcp_provider.plugin.queue.ordering import Waiting, replaced
from airflow_mcp_provider.plugin.queue.termination import end_unstarted
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.marker import Marker

AT_ONCE = 50
"""Runs of a job that are ended in a check, and notes that are written, first those of the runs that start first: the
executor waits meanwhile (``db.fork_lock``)."""
NAMED = 10
"""The number of a job's waiting runs whose note names the active run; the notes of the others rarely change."""

OF_JOBS = DagRun.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == JOB_TAG))

log = structlog.get_logger(__name__)


class QueueMonitor:
    """Checks the queues of all jobs; caches the markers between two checks."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._markers = Markers()
        self._measured: set[str] = set()

    def look(self) -> None:
        """End runs after their queue timeout, and update the notes of the others; an error affects one job only."""
        with create_session(scoped=False) as session:
            connection = session.connection()
            jobs = _by_job(ordering.read(connection, OF_JOBS))
            self._markers.learn(session, jobs)
            holders = _holders(connection)
        self._measure(jobs, holders)
        for dag_id, queue in jobs.items():
            if (marker := self._markers.of(dag_id)) is not None:
                try:
                    self._look_at(queue, marker, holders.get(dag_id))
                except Exception:
                    log.exception("failed to check the queue of a job", job=dag_id)

    def _measure(self, jobs: Mapping[str, list[Waiting]], holders: Collection[str]) -> None:
        """Record the lengths of the queues; once more those of jobs that have no active run any longer."""
        active = jobs.keys() | set(holders)
        for job in self._measured | active:
            metrics.queue(job, len(jobs.get(job, ())), int(job in holders))
        self._measured = active

    def _look_at(self, queue: list[Waiting], marker: Marker, active: RunRef | None) -> None:
        now = clock.now()
        holder = active.run_id if active else None
        wrong = ordering.endings(queue, marker, now)
        able = ordering.sort((run for run in queue if run.id not in wrong), marker)
        texts = (
            (run.id, text)
            for run, text in _texts(able, holder)
            if run_notes.ours(run.note) and run.note != run_notes.shown(text)
        )
        notes = dict(islice(texts, AT_ONCE))
        if wrong or notes:
            self._write(dict(islice(wrong.items(), AT_ONCE)), notes)
        if active and able and marker.submit.overlap == "replace_running" and (newest := able[0]).id > active.id:
            self._replace(active, replaced(newest.run_id, marker))

    def _write(self, ends: Mapping[int, End], notes: Mapping[int, str]) -> None:
        with create_session(scoped=False) as session, savepoint(session, self._settings.lock_timeout) as connection:
            end_unstarted(session, connection, ends)
            for number, text in notes.items():
                if lock_queued(session, number) is not None:
                    run_notes.put(connection, number, text)

    def _replace(self, holder: RunRef, end: End) -> None:
        """End the active run of a job whose newest run replaces it; the gate starts that one when its slot is free."""
        with create_session(scoped=False) as session:
            limit_waiting(session, round(1000 * self._settings.lock_timeout))
            end_run(session, holder, end, self._settings.end_grace)


def _by_job(runs: Iterable[Waiting]) -> dict[str, list[Waiting]]:
    jobs: dict[str, list[Waiting]] = defaultdict(list)
    for run in runs:
        jobs[run.dag_id].append(run)
    return jobs


def _holders(connection: Connection) -> dict[str, RunRef]:
    query = select(DagRun.id, DagRun.dag_id, DagRun.run_id).where(OF_JOBS, DagRun.state == DagRunState.RUNNING)
    return {row.dag_id: RunRef(*row) for row in connection.execute(query)}


def _texts(queue: list[Waiting], holder: str | None) -> Iterable[tuple[Waiting, str]]:
    if holder is None:  # the gate is about to start one
        return
    for position, run in enumerate(queue):
        reason = slot.held_by(holder) if position < NAMED else f"{NAMED} or more runs of this job are ahead of it"
        yield run, f"{run_notes.WAITING} {reason}"
