"""Rows of Airflow's task state store, read and written in the transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.tables import DagRun, Store, TaskScope

PLAN = "plan"
REPORT = "report"
"""Task ids of a job's DAG (see ``factory.dag``); the others are its steps' names."""


@dataclass(frozen=True, slots=True)
class RunRef:
    """A DagRun by its number and by its names."""

    id: int
    dag_id: str
    run_id: str

    @classmethod
    def of(cls, session: Session, scope: TaskScope) -> RunRef:
        """Find the run of a task."""
        query = select(DagRun.id).where(DagRun.dag_id == scope.dag_id, DagRun.run_id == scope.run_id)
        return cls(session.scalars(query).one(), scope.dag_id, scope.run_id)


def where(run: RunRef, task_id: str, map_index: int, key: str) -> tuple[Any, ...]:
    """Tell one row."""
    return (
        Store.dag_run_id == run.id,
        Store.task_id == task_id,
        Store.map_index == map_index,
        Store.key == key,
    )


def read(session: Session, run: RunRef, task_id: str, map_index: int, key: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a value, None where there is no row."""
    text = session.scalar(select(Store.value).where(*where(run, task_id, map_index, key)))
    return None if text is None else json.loads(text)


def locked(session: Session, run: RunRef, task_id: str, map_index: int, key: str) -> Any:  # noqa: ANN401 - any JSON
    """Take a row for this transaction, and return its value; None where there is no row.

    By an update, which takes SQLite's write lock, too, before anything is read.
    """
    text = session.scalar(
        update(Store)
        .where(*where(run, task_id, map_index, key))
        .values(updated_at=datetime.now(UTC))
        .returning(Store.value)
        .execution_options(synchronize_session=False)
    )
    return None if text is None else json.loads(text)


def write(session: Session, run: RunRef, task_id: str, map_index: int, key: str, value: Any) -> None:  # noqa: ANN401, PLR0913, PLR0917 - a row's whole name
    """Insert or replace a row. Two callers seldom write the same row at once: see ``reserved``, ``taking``."""
    changed = session.execute(
        update(Store)
        .where(*where(run, task_id, map_index, key))
        .values(value=json.dumps(value), updated_at=datetime.now(UTC))
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has one
        add(session, run, [(task_id, map_index, key, value)])


def add(session: Session, run: RunRef, rows: Iterable[tuple[str, int, str, Any]]) -> None:
    """Insert rows of (task, map index, key, value) in one statement."""
    same: Mapping[str, Any] = {
        "dag_run_id": run.id,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "updated_at": datetime.now(UTC),
    }
    names = ("task_id", "map_index", "key")
    values = [{**same, **dict(zip(names, row, strict=False)), "value": json.dumps(row[3])} for row in rows]
    if values:
        session.execute(insert(Store), values)


def forget(session: Session, run: RunRef, task_ids: list[str] | tuple[str, ...], *conditions: Any) -> None:
    """Delete rows of some tasks."""
    session.execute(
        delete(Store)
        .where(Store.dag_run_id == run.id, Store.task_id.in_(task_ids), *conditions)
        .execution_options(synchronize_session=False)
    )
