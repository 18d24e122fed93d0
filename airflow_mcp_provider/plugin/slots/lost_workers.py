"""Gives back the slots of workloads whose worker died: nobody reports those.

Which workload a dead worker had is not known. So all that run when a death is noticed are suspects, and the database is
asked which of their task instances are still active. Airflow ends those of a dead worker by itself: they miss their
heartbeats.
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
"""Seconds between two questions to the database."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Suspects:
    """Keys in an executor's ``running`` that perhaps nobody will report, and when the database was asked last."""

    keys: set[TaskInstanceKey]
    asked: float = 0.0


class Lost:
    """The suspects of each executor of this process."""

    def __init__(self) -> None:
        self._suspects: WeakKeyDictionary[LocalExecutor, Suspects] = WeakKeyDictionary()

    def suspect(self, executor: LocalExecutor) -> None:
        """A worker of ``executor`` has died.

        No table tells whether a callback or a connection test is still worked on, so their slots are given back at
        once. A few workloads too many in the pipe do no harm.
        """
        tasks = {key for key in executor.running if isinstance(key, TaskInstanceKey)}
        executor.running &= tasks
        self._suspects[executor] = Suspects(tasks)
        log.warning("a worker of the LocalExecutor died", suspects=len(tasks))

    def return_slots(self, executor: LocalExecutor) -> None:
        """Take those suspects out of ``running`` that are active no more."""
        suspects = self._suspects.get(executor)
        if suspects is None:
            return
        suspects.keys &= executor.running  # the others have reported
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
        log.exception("the slots of the LocalExecutor could not be looked at")
        return set()


def _active(keys: set[TaskInstanceKey]) -> set[TaskInstanceKey]:
    ti = TaskInstance
    columns = (ti.dag_id, ti.task_id, ti.run_id, ti.try_number, ti.map_index)
    query = select(*columns).where(tuple_(*columns).in_([tuple(key) for key in keys]), ti.state.in_(DISPATCHED))
    with create_session(scoped=False) as session:
        return {TaskInstanceKey(*row) for row in session.execute(query)}
