"""How a run ended, if not by its own report: a row of the run, and until when its processes may still work.

The row ``mcp.end`` is for people and programs (``client.models.Run.reason``). That a job's slot is still taken is kept
in Airflow's audit log instead: those rows outlive the run, which a user may delete at once, and nobody clears them.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import RunState
from airflow_mcp_provider.plugin.db import clock, rows
from airflow_mcp_provider.plugin.db.identity import SAME_RUN, RunRef, same
from airflow_mcp_provider.plugin.db.tables import (
    DagRun,
    DagRunState,
    Log,
    Store,
    TaskInstance,
    TaskInstanceHistory,
    TaskInstanceState,
)
from airflow_mcp_provider.runtime import redaction

TASK, END, HELD = "mcp", "mcp.end", "mcp slot held"
"""``TASK`` is not a task of the DAG: rows of it belong to the run. ``HELD`` is the event in the audit log."""
LONGEST = timedelta(hours=3)
"""No slot is held for longer: an end_grace and a grace are an hour each at most."""
DEFAULT_GRACE = 3.0
"""Seconds in which cancelled work may clean up: Airflow's supervisor kills a task process 5 s after SIGTERM."""
TEXT_CHARS = 1_000


class Reason(StrEnum):
    """Why a run ended without its report."""

    CANCELLED = "cancelled"
    REPLACED = "replaced"
    TIMEOUT = "timeout"
    QUEUE_TIMEOUT = "queue_timeout"
    MISFIRE = "misfire"
    INVALID = "invalid"


STATES = {
    Reason.CANCELLED: RunState.CANCELLED,
    Reason.REPLACED: RunState.CANCELLED,
    Reason.TIMEOUT: RunState.TIMEOUT,
    Reason.QUEUE_TIMEOUT: RunState.TIMEOUT,
    Reason.MISFIRE: RunState.TIMEOUT,
    Reason.INVALID: RunState.ERROR,
}


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended: ``by`` is the user, if one is known; ``at`` is when.

    ``until`` is when its processes have ended at the latest, None where none were running. ``grace`` is the number of
    seconds in which its work may clean up. ``clear_number`` is that of the run: a run that was cleared has not ended.
    """

    reason: Reason
    text: str
    by: str | None = None
    at: datetime | None = None
    until: datetime | None = None
    grace: float = DEFAULT_GRACE
    clear_number: int = 0

    @property
    def note(self) -> str:
        """The note of the run."""
        head = "cancelled" if self.reason in {Reason.CANCELLED, Reason.REPLACED} else "failed"
        return f"{head}: {self.text}"

    @property
    def state(self) -> RunState:
        """The state of the run, when its processes have ended."""
        return STATES[self.reason]

    def ending(self, now: datetime) -> bool:
        """Whether processes of the run may still work."""
        return self.until is not None and now < self.until

    def row(self) -> str:
        """Return it as the row has it."""
        times = {name: at and at.isoformat() for name, at in (("at", self.at), ("until", self.until))}
        text = redaction.text(self.text)[:TEXT_CHARS]
        return json.dumps({**asdict(self), **times, "reason": str(self.reason), "text": text})

    @classmethod
    def read(cls, text: str | None) -> End | None:
        """Return the inverse of ``row``; None where there is none, or the row is damaged."""
        found = rows.parsed(text)
        try:
            times = {name: clock.parsed(found[name]) for name in ("at", "until")}
            made = cls(**{**found, **times, "reason": Reason(found["reason"])})
        except rows.BROKEN:
            return None
        plain = isinstance(made.text, str) and isinstance(made.by, str | None) and type(made.clear_number) is int
        return made if plain and isinstance(made.grace, int | float) else None

    @classmethod
    def since_clear(cls, text: str | None, clear_number: int) -> End | None:
        """Read the row of a run with this ``clear_number``; None where the run was cleared after it had ended so."""
        found = cls.read(text)
        return found if found is not None and found.clear_number == clear_number else None


def put(connection: Connection, run: RunRef, end: End) -> End:
    """Write how a run ended, with the present time; returns what was written.

    Processes of an earlier end, after which the run was cleared, keep their grace.
    """
    now = clock.now()
    before = latest(connection, run.id)
    if before and end.until is None and before.ending(now):
        end = replace(end, until=before.until, grace=before.grace)
    number = connection.execute(select(DagRun.clear_number).where(DagRun.id == run.id)).scalar_one()
    end = replace(end, at=now, clear_number=number)
    clear(connection, run.id)
    names = {"dag_run_id": run.id, "task_id": TASK, "map_index": -1, "key": END}
    more = {"dag_id": run.dag_id, "run_id": run.run_id, "updated_at": now}
    connection.execute(insert(Store).values(**names, **more, value=end.row()))
    return end


def of_run(connection: Connection, run: int) -> End | None:
    """Return how the run with this DagRun.id ended; None if by itself, or if it was cleared since."""
    query = select(Store.value, DagRun.clear_number).join(DagRun, DagRun.id == Store.dag_run_id).where(*_row(run))
    found = connection.execute(query).first()
    return End.since_clear(found[0], found[1]) if found else None


def latest(connection: Connection, run: int) -> End | None:
    """Return how the run ended the last time, also where it was cleared since: its processes may still work."""
    return End.read(connection.execute(select(Store.value).where(*_row(run))).scalar())


def graces(session: Session, instances: Collection[UUID]) -> dict[UUID, tuple[str | None, End]]:
    """Return the state of those task instances whose runs are ending, and how, by the id of the task instance.

    A task instance that was cleared since has another id; only its history has the one that its runner knows.
    """
    found = _graces(session, TaskInstance, TaskInstance.id, instances)
    others = set(instances) - found.keys()
    return found | _graces(session, TaskInstanceHistory, TaskInstanceHistory.task_instance_id, others)


def _graces(
    session: Session,
    table: Any,  # noqa: ANN401 - a mapped class
    number: Any,  # noqa: ANN401 - a column of it
    instances: Collection[UUID],
) -> dict[UUID, tuple[str | None, End]]:
    if not instances:
        return {}
    query = (
        select(number, table.state, Store.value)
        .join(DagRun, same(DagRun, table, SAME_RUN))
        .join(Store, (Store.dag_run_id == DagRun.id) & (Store.task_id == TASK) & (Store.key == END))
        .where(number.in_(instances), DagRun.state != DagRunState.RUNNING)
        .where(table.state.is_distinct_from(TaskInstanceState.RUNNING))
    )
    found = [(one, state, End.read(text)) for one, state, text in session.execute(query)]
    now = clock.now()
    return {one: (state, end) for one, state, end in found if end and end.ending(now)}


def clear(connection: Connection, run: int) -> None:
    """Remove the row: the run starts again."""
    connection.execute(delete(Store).where(*_row(run)))


def _row(run: int) -> tuple[Any, ...]:
    return (Store.dag_run_id == run, Store.task_id == TASK, Store.map_index == -1, Store.key == END)


def hold(connection: Connection, dag_id: str, run_id: str, until: datetime) -> None:
    """Keep the slot of a job taken: processes of the run may work until then."""
    names = {"dttm": clock.now(), "dag_id": dag_id, "task_id": TASK, "run_id": run_id, "event": HELD}
    connection.execute(insert(Log).values(**names, extra=json.dumps({"until": until.isoformat()})))


def held(connection: Connection, dag_id: str, grace: timedelta) -> tuple[str, datetime] | None:
    """Return the run whose processes may work the longest, and until when; None if there is none.

    A damaged row counts as one that was written with ``grace``. By Airflow's index of dag_id and task_id: the rows of
    one job that were ever written are few.
    """
    now = clock.now()
    query = select(Log.run_id, Log.extra, Log.dttm).where(
        Log.dag_id == dag_id, Log.task_id == TASK, Log.event == HELD, Log.dttm > now - LONGEST
    )
    found = [(str(run_id), _until(extra, dttm or now, grace)) for run_id, extra, dttm in connection.execute(query)]
    latest = max(found, key=lambda one: one[1], default=None)
    return latest if latest and latest[1] > now else None


def _until(value: str | None, written: datetime, grace: timedelta) -> datetime:
    found = rows.parsed(value)
    until = clock.parsed(found.get("until")) if isinstance(found, dict) else None
    return written + grace if until is None else min(until, written + LONGEST)
