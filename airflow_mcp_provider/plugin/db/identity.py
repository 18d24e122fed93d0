"""The identity of runs and task instances, and the conditions of queries for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.tables import DagRun, TaskScope

Conditions = tuple[ColumnElement[bool], ...]
SAME_RUN = ("dag_id", "run_id")
PLACE = ("task_id", "map_index")
"""The columns that identify a task instance within its run."""
SAME_TASK = (*SAME_RUN, *PLACE)
SAME_ATTEMPT = (*SAME_TASK, "try_number")


class _Run(Protocol):
    @property
    def dag_id(self) -> str: ...
    @property
    def run_id(self) -> str: ...


class _Task(_Run, Protocol):
    @property
    def task_id(self) -> str: ...
    @property
    def map_index(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RunRef:
    """A DagRun: ``id`` is DagRun.id."""

    id: int
    dag_id: str
    run_id: str

    @classmethod
    def of(cls, session: Session, task: _Run) -> Self:
        """Return the run of a task instance."""
        query = select(DagRun.id).where(*of_run(DagRun, task))
        return cls(session.scalars(query).one(), task.dag_id, task.run_id)


@dataclass(frozen=True, slots=True)
class TaskRef:
    """A task instance; ``map_index`` is -1 if the task is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @classmethod
    def of(cls, task: _Task) -> Self:
        """Build it from Airflow's TaskScope, TaskInstance or TaskInstanceKey."""
        return cls(task.dag_id, task.run_id, task.task_id, task.map_index)

    @property
    def scope(self) -> TaskScope:
        """The task instance as Airflow's task state store identifies it."""
        return TaskScope(dag_id=self.dag_id, run_id=self.run_id, task_id=self.task_id, map_index=self.map_index)


def of_run(table: Any, run: _Run) -> Conditions:  # noqa: ANN401 - a mapped class, or an alias
    """Return the conditions for rows of ``run`` in ``table``."""
    return (table.dag_id == run.dag_id, table.run_id == run.run_id)


def of_step(table: Any, run: _Run, task_id: str) -> Conditions:  # noqa: ANN401 - likewise
    """Return the conditions for rows of a task of ``run`` in ``table``, with any map index."""
    return (*of_run(table, run), table.task_id == task_id)


def of_task(table: Any, task: _Task) -> Conditions:  # noqa: ANN401 - likewise
    """Return the conditions for rows of one task instance in ``table``."""
    return (*of_step(table, task, task.task_id), table.map_index == task.map_index)


def same(left: Any, right: Any, columns: tuple[str, ...]) -> ColumnElement[bool]:  # noqa: ANN401 - likewise
    """Return the condition that two rows have the same values in ``columns``."""
    return and_(*(getattr(left, name) == getattr(right, name) for name in columns))
