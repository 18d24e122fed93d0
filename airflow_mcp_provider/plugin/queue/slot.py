"""The slot of a job: only one of its runs may be active.

Runs in the scheduler, inside the gate's transaction and with a lock on the job's row. A run holds the slot while it is
RUNNING; and, after a user ended it, as long as its processes may still run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, insert, select

from airflow_mcp_provider.plugin.db import clock, rows
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store

TASK, ENDED = "mcp", "mcp.ended"
"""The row of a run that a user ended: until when its processes may run. ``TASK`` is not a task of the DAG."""


@dataclass(frozen=True, slots=True)
class Slot:
    """``running``: the number of other active runs; ``reason``: why the slot is taken, None if it is free."""

    running: int
    reason: str | None


def look(connection: Connection, run: DagRun, grace: timedelta) -> Slot:
    """Return the state of the slot of the job of ``run``; ``run`` itself is not counted."""
    recent = DagRun.end_date > clock.now() - grace
    query = select(DagRun.id, DagRun.run_id, DagRun.state).where(
        DagRun.dag_id == run.dag_id, DagRun.id != run.id, (DagRun.state == DagRunState.RUNNING) | recent
    )
    others = connection.execute(query).all()
    if running := [row.run_id for row in others if row.state == DagRunState.RUNNING]:
        return Slot(len(running), held_by(running[0]))
    names = {row.id: row.run_id for row in others}
    if run.clear_number:  # it may have been ended and cleared at once
        names[run.id] = run.run_id
    return Slot(0, _ending(connection, names, grace) if grace and names else None)


def held_by(run_id: str) -> str:
    """Return the reason for a slot that a run holds."""
    return f"{run_id} is running"


def keep(connection: Connection, run: DagRun, grace: timedelta) -> None:
    """Let ``run``, which a user just ended, hold the slot for the time ``grace``."""
    now = clock.now()
    names = {"dag_run_id": run.id, "task_id": TASK, "map_index": -1, "key": ENDED}
    connection.execute(delete(Store).where(*(getattr(Store, name) == value for name, value in names.items())))
    more = {"dag_id": run.dag_id, "run_id": run.run_id, "updated_at": now}
    value = json.dumps({"until": (now + grace).isoformat()})
    connection.execute(insert(Store).values(**names, **more, value=value))


def _ending(connection: Connection, names: dict[int, str], grace: timedelta) -> str | None:
    for number, value, written in connection.execute(_ended(list(names))):
        until = _until(value, written + grace)
        if until > clock.now():
            return f"{names[number]} was ended while it was running; its processes may run until {until:%H:%M:%S} UTC"
    return None


def _until(value: str, latest: datetime) -> datetime:
    """Return the time in the row; a damaged row counts as ``latest``."""
    found = rows.parsed(value)
    until = clock.parsed(found.get("until")) if isinstance(found, dict) else None
    return latest if until is None else min(until, latest)


def _ended(runs: Sequence[int]) -> Select[int, str, datetime]:
    return select(Store.dag_run_id, Store.value, Store.updated_at).where(
        Store.dag_run_id.in_(runs), Store.task_id == TASK, Store.map_index == -1, Store.key == ENDED
    )
