"""The order of a job's queue, and the runs that may not start any more.

Runs in the scheduler, in the transactions of the gate and of the monitor. Airflow's rows are the queue: a run waits
when it is QUEUED and its ``run_after`` has passed. Order: higher priority first, then manual, API and scheduled runs
before those of a backfill (as in Airflow), then the earlier ``run_after``, then the lower DagRun.id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, true

from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.states import OF_SCHEDULER
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunNote, DagRunState
from airflow_mcp_provider.plugin.queue.airflow_internals import Backfill, BackfillDagRun
from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.marker import PRIORITY, Marker
from airflow_mcp_provider.spec.submit_rules import REPLACES

HIGHEST = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting run. ``since`` is the earliest possible start, ``own`` the priority in its conf, as given.

    ``ordinal`` is the sort_ordinal of a backfill, else 0. ``scheduled``: the scheduler created it, and it was not
    cleared since.
    """

    id: int
    dag_id: str
    run_id: str
    since: datetime
    run_after: datetime
    ordinal: int
    own: str | None
    note: str | None
    scheduled: bool

    def wrong(self, marker: Marker, now: datetime) -> End | None:
        """Return how a run ends that must end without a start; None if it may start."""
        if self.own is not None and own_priority(self.own) is None:
            text = f"invalid {PRIORITY} {self.own:.40} in the run's conf; expected -{HIGHEST} to {HIGHEST}"
            return End(Reason.INVALID, text)
        if (grace := marker.schedule.misfire_grace if marker.schedule else None) and self._misfires(grace, now):
            text = f"misfire_grace ({human(grace)}) passed before the run of {_utc(self.run_after)} could start"
            return End(Reason.MISFIRE, text)
        if marker.timeout is not None and now - self.since > marker.timeout:
            text = f"timeouts.queue ({human(marker.timeout)}) passed before the run could start"
            return End(Reason.QUEUE_TIMEOUT, text)
        return None

    def _misfires(self, grace: timedelta, now: datetime) -> bool:
        return self.scheduled and now - self.run_after > grace

    def order(self, marker: Marker) -> tuple[Any, ...]:
        """Return the sort key."""
        return (-priority(self.own, marker), self.ordinal, self.run_after, self.id)


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def priority(own: str | None, marker: Marker) -> int:
    """Return the priority of a run; ``own`` is the text in its conf, if there is one."""
    return marker.priority if own is None else own_priority(own) or 0


def own_priority(text: str) -> int | None:
    """Return the priority that a conf has as text; None for what is none."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if -HIGHEST <= number <= HIGHEST else None


def read(connection: Connection, *where: Any) -> list[Waiting]:
    """Return the waiting runs that match the conditions."""
    query = (
        select(
            DagRun.id,
            DagRun.dag_id,
            DagRun.run_id,
            func.coalesce(DagRun.queued_at, DagRun.created_at, type_=DagRun.queued_at.type),
            DagRun.run_after,
            func.coalesce(BackfillDagRun.sort_ordinal, 0),
            DagRun.conf[PRIORITY].as_string(),
            DagRunNote.content,
            DagRun.run_type.in_(OF_SCHEDULER) & (DagRun.clear_number == 0),
        )
        .outerjoin(DagRunNote, DagRunNote.dag_run_id == DagRun.id)
        .outerjoin(Backfill, Backfill.id == DagRun.backfill_id)
        .outerjoin(
            BackfillDagRun,
            (BackfillDagRun.dag_run_id == DagRun.id) & (BackfillDagRun.backfill_id == DagRun.backfill_id),
        )
        .where(DagRun.state == DagRunState.QUEUED, DagRun.run_after <= clock.now())
        .where(Backfill.is_paused.is_not(true()), *where)
    )
    return [_waiting(*row) for row in connection.execute(query)]


def _waiting(number: int, dag_id: str, run_id: str, queued: datetime, run_after: datetime, *rest: Any) -> Waiting:
    return Waiting(number, dag_id, run_id, max(queued, run_after), run_after, *rest)


def of_job(connection: Connection, dag_id: str) -> list[Waiting]:
    """Return the job's waiting runs, unordered."""
    return read(connection, DagRun.dag_id == dag_id)


def endings(queue: Sequence[Waiting], marker: Marker, now: datetime) -> dict[int, End]:
    """Return how runs end that must end without a start, by DagRun.id.

    With ``overlap: replace_…`` the newest run that may start replaces all others.
    """
    wrong = {run.id: reason for run in queue if (reason := run.wrong(marker, now))}
    able = [run for run in queue if run.id not in wrong]
    if marker.submit.overlap not in REPLACES or not able:
        return wrong
    newest = max(able, key=lambda run: run.id)
    return wrong | {run.id: replaced(newest.run_id, marker) for run in able if run is not newest}


def replaced(by: str, marker: Marker) -> End:
    """Return how a run ends that a newer one replaces."""
    return End(Reason.REPLACED, f"replaced by {by} (queue.overlap: {marker.submit.overlap})")


def sort(runs: Iterable[Waiting], marker: Marker) -> list[Waiting]:
    """Return the runs in the order of the queue."""
    return sorted(runs, key=lambda run: run.order(marker))
