"""A scheduler's regular check of all queued runs of jobs (``plugin.scheduler`` has the thread).

Airflow calls the gate only for a run that it could start. While one run takes hours, the runs behind it would not be
ended after their queue timeout, and their notes would not be updated. Every scheduler does the check; rows that another
scheduler or the gate has locked are skipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import structlog
from sqlalchemy import Connection, select

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock, run_notes
from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.locks import savepoint
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, DagTag, create_session
from airflow_mcp_provider.plugin.queue import ordering, slot
from airflow_mcp_provider.plugin.queue.airflow_internals import lock_queued
from airflow_mcp_provider.plugin.queue.ordering import Waiting
from airflow_mcp_provider.plugin.queue.termination import end_unstarted
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.marker import Marker

NAMED = 10
"""The number of a job's waiting runs whose note names the active run; the notes of the others rarely change."""

log = structlog.get_logger(__name__)


class QueueMonitor:
    """Checks the queues of all jobs; caches the markers between two checks."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._markers = Markers()

    def look(self) -> None:
        """End runs after their queue timeout, and update the notes of the others; an error affects one job only."""
        with create_session(scoped=False) as session:
            connection = session.connection()
            jobs = _by_job(
                ordering.read(connection, DagRun.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == JOB_TAG)))
            )
            self._markers.learn(session, jobs)
            holders = _holders(connection, jobs)
        for dag_id, queue in jobs.items():
            if (marker := self._markers.of(dag_id)) is not None:
                try:
                    self._look_at(queue, marker, holders.get(dag_id))
                except Exception:
                    log.exception("failed to check the queue of a job", job=dag_id)

    def _look_at(self, queue: list[Waiting], marker: Marker, holder: str | None) -> None:
        now = clock.now()
        wrong = {run.id: reason for run in queue if (reason := run.wrong(marker, now))}
        able = ordering.sort((run for run in queue if run.id not in wrong), marker)
        texts = {
            run.id: text
            for run, text in _texts(able, holder)
            if run_notes.ours(run.note) and run.note != run_notes.shown(text)
        }
        if not wrong and not texts:
            return
        with create_session(scoped=False) as session, savepoint(session, self._settings.lock_timeout) as connection:
            end_unstarted(session, connection, wrong)
            for number, text in texts.items():
                if lock_queued(session, number) is not None:
                    run_notes.put(connection, number, text)


def _by_job(runs: Iterable[Waiting]) -> dict[str, list[Waiting]]:
    jobs: dict[str, list[Waiting]] = defaultdict(list)
    for run in runs:
        jobs[run.dag_id].append(run)
    return jobs


def _holders(connection: Connection, jobs: Iterable[str]) -> dict[str, str]:
    query = select(DagRun.dag_id, DagRun.run_id).where(
        DagRun.dag_id.in_(list(jobs)), DagRun.state == DagRunState.RUNNING
    )
    return {row.dag_id: row.run_id for row in connection.execute(query)}


def _texts(queue: list[Waiting], holder: str | None) -> Iterable[tuple[Waiting, str]]:
    if holder is None:  # the gate is about to start one
        return
    for position, run in enumerate(queue):
        reason = slot.held_by(holder) if position < NAMED else f"{NAMED} or more runs of this job are ahead of it"
        yield run, f"{run_notes.WAITING} {reason}"
