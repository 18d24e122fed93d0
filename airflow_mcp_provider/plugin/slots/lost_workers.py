"""Release the slots of workloads whose worker died: no worker reports their end.

It is not known which workload a dead worker executed. So all running workloads are candidates when a dead worker is
found, and the database is queried for those that are still active. Airflow ends the task instance of a dead worker
itself, because its heartbeats are missing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from airflow_mcp_provider.plugin.db.states import DISPATCHED
from airflow_mcp_provider.plugin.db.tables import TaskInstance, create_session
from airflow_mcp_provider.plugin.slots.airflow_internals import LocalExecutor, TaskInstanceKey

INTERVAL = 1.0
"""Seconds between two queries."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Suspects:
    """Keys in an executor's ``running`` whose end may never be reported, and the time of the last query."""

    keys: set[TaskInstanceKey]
    asked: float = 0.0


class LostWorkers:
    """The suspects of each executor of this process."""

    def __init__(self) -> None:
        self._suspects: WeakKeyDictionary[LocalExecutor, Suspects] = WeakKeyDictionary()

    def suspect(self, executor: LocalExecutor) -> None:
        """Handle the death of a worker of ``executor``.

        No table has the state of callbacks and connection tests, so their slots are released at once. A few additional
        workloads in the pipe do no harm.
        """
        tasks = {key for key in executor.running if isinstance(key, TaskInstanceKey)}
        executor.running &= tasks
        self._suspects[executor] = Suspects(tasks)
        log.warning("a worker of the LocalExecutor died", suspects=len(tasks))

    def return_slots(self, executor: LocalExecutor) -> None:
        """Remove suspects that are not active any more from ``running``."""
        suspects = self._suspects.get(executor)
        if suspects is None:
            return
        suspects.keys &= executor.running  # the end of the others was reported
        now = time.monotonic()
        if not suspects.keys or now - suspects.asked < INTERVAL:
            return
        suspects.asked = now
        ended = _ended(suspects.keys)
        suspects.keys -= ended
        executor.running -= ended


def _ended(keys: set[TaskInstanceKey]) -> set[TaskInstanceKey]:
    try:
        return keys - _active(keys)
    except SQLAlchemyError:
        log.exception("cannot check the slots of the LocalExecutor")
        return set()


def _active(keys: set[TaskInstanceKey]) -> set[TaskInstanceKey]:
    ti = TaskInstance
    columns = (ti.dag_id, ti.task_id, ti.run_id, ti.try_number, ti.map_index)
    query = select(*columns).where(tuple_(*columns).in_([tuple(key) for key in keys]), ti.state.in_(DISPATCHED))
    with create_session(scoped=False) as session:
        return {TaskInstanceKey(*row) for row in session.execute(query)}
