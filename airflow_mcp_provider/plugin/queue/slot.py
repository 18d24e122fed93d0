"""The slot of a job: only one of its runs may be active.

Runs in the scheduler, inside the gate's transaction and with a lock on the job's row. A run holds the slot while it is
RUNNING; while any of its tasks is dispatched, whatever the state of the run (a user may set a run that works back to
QUEUED, or clear it); and, after it was ended or deleted, as long as its processes may still work.

A queued run with dispatched tasks goes before all others. Only a running one loses the task instances whose processes
are gone: Airflow looks for those of running runs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Row, func, select

from airflow_mcp_provider.plugin.db import clock, run_end
from airflow_mcp_provider.plugin.db.identity import SAME_RUN, same
from airflow_mcp_provider.plugin.db.states import DISPATCHED
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance
from airflow_mcp_provider.plugin.queue.working import works

FORGOTTEN = timedelta(minutes=15)
"""A dispatched task of an ended run without a heartbeat for so long does not count: Airflow will not end it.

A living one has a heartbeat every few seconds. ``[scheduler] task_queued_timeout`` is 10 min.
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """``running``: the number of other runs that are active or have tasks that work.

    ``reason``: why the slot is taken, None if it is free. ``next``: the DagRun.id of the queued run that goes first,
    because its tasks work; ``own``: the run that asks is such a one.
    """

    running: int
    reason: str | None
    next: int | None = None
    own: bool = False


def look(connection: Connection, run: DagRun, grace: timedelta) -> Slot:
    """Return the state of the slot of the job of ``run``; ``grace`` is that of a damaged row.

    ``run`` itself is not counted; but it, too, waits for processes of its own that were ended before it was cleared.
    """
    active = select(DagRun.run_id).where(
        DagRun.dag_id == run.dag_id, DagRun.id != run.id, DagRun.state == DagRunState.RUNNING
    )
    if running := connection.execute(active).scalars().all():
        return Slot(len(running), held_by(running[0]))
    own = works(connection, run)
    working = [other for other in _working(connection, run) if not (own and _goes_after(other, run))]
    if working:
        queued = min((other.id for other in working if other.state == DagRunState.QUEUED), default=None)
        return Slot(len(working), f"tasks of {working[0].run_id} are running", next=queued)
    if held := run_end.held(connection, run.dag_id, grace):
        name, until = held
        return Slot(0, f"{name} was ended while it was running; its processes may run until {until:%H:%M:%S} UTC")
    return Slot(0, None, own=own)


def _goes_after(other: Row[str, int, str], run: DagRun) -> bool:
    """Whether another queued run with tasks that work goes after ``run``, which has such tasks, too."""
    return bool(other.state == DagRunState.QUEUED and other.id > run.id)


def _working(connection: Connection, run: DagRun) -> list[Row[str, int, str]]:
    """Return the other runs that have dispatched tasks, by Airflow's index of dag_id and state."""
    seen = func.coalesce(TaskInstance.last_heartbeat_at, TaskInstance.start_date, TaskInstance.queued_dttm)
    query = (
        select(TaskInstance.run_id, DagRun.id, DagRun.state)
        .join(DagRun, same(DagRun, TaskInstance, SAME_RUN))
        .where(TaskInstance.dag_id == run.dag_id, TaskInstance.state.in_(DISPATCHED))
        .where(TaskInstance.run_id != run.run_id)
        .where((DagRun.state == DagRunState.QUEUED) | seen.is_(None) | (seen > clock.now() - FORGOTTEN))
        .distinct()
    )
    return list(connection.execute(query))


def held_by(run_id: str) -> str:
    """Return the reason for a slot that a run holds."""
    return f"{run_id} is running"
