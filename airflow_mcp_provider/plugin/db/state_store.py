"""Rows of Airflow's task state store, read and written in the transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock, rows
from airflow_mcp_provider.plugin.db.identity import Conditions, RunRef
from airflow_mcp_provider.plugin.db.tables import Store
from airflow_mcp_provider.runtime import redaction, store_keys
from airflow_mcp_provider.runtime.messages import stored

PLAN = "plan"
REPORT = "report"
"""Task ids of a job's DAG (see ``factory.dag``); the others are its steps' names."""

_PRIMARY_KEY = ("dag_run_id", "task_id", "map_index", "key")
_INSERTS: dict[str, Callable[..., Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
"""The dialects' own inserts, which can replace."""


def rows_of(table: Any, run: RunRef, task_id: str, key: str) -> Conditions:  # noqa: ANN401 - Store, or an alias
    """Select the rows that a task's instances have under one key."""
    return (table.dag_run_id == run.id, table.task_id == task_id, table.key == key)


def where(run: RunRef, task_id: str, map_index: int, key: str) -> Conditions:
    """Select one row."""
    return (*rows_of(Store, run, task_id, key), Store.map_index == map_index)


def read(session: Session, run: RunRef, task_id: str, map_index: int, key: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a value, None where there is no row; raises InvalidRow for what is no JSON."""
    return _loaded(key, text_of(session, run, task_id, map_index, key))


def text_of(session: Session, run: RunRef, task_id: str, map_index: int, key: str) -> str | None:
    """Return a row as text, None where there is none: for callers that ignore or replace a damaged row."""
    return session.scalar(select(Store.value).where(*where(run, task_id, map_index, key)))


def read_of(session: Session, run: RunRef, key: str, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Any]:
    """Return the values that several task instances, by (task, map index), have under one key.

    None for what is not JSON.
    """
    texts = texts_of(session, run, [key], places)
    return {(task_id, index): rows.parsed(text) for (task_id, index, _), text in texts.items()}


def texts_of(
    session: Session, run: RunRef, keys: Collection[str], places: Collection[tuple[str, int]]
) -> dict[tuple[str, int, str], str]:
    """Return the rows that several task instances have under some keys, as text, by (task, map index, key)."""
    query = select(Store.task_id, Store.map_index, Store.key, Store.value).where(
        Store.dag_run_id == run.id,
        Store.key.in_(sorted(keys)),
        tuple_(Store.task_id, Store.map_index).in_(sorted(places)),
    )
    return {(task_id, index, key): value for task_id, index, key, value in session.execute(query)}


def locked(session: Session, run: RunRef, task_id: str, map_index: int, key: str) -> Any:  # noqa: ANN401 - any JSON
    """Take a row for this transaction, and return its value; None where there is no row.

    By an update, which takes SQLite's write lock, too, before anything is read.
    """
    value = session.scalar(
        update(Store)
        .where(*where(run, task_id, map_index, key))
        .values(updated_at=clock.now())
        .returning(Store.value)
        .execution_options(synchronize_session=False)
    )
    return _loaded(key, value)


def _loaded(key: str, value: str | None) -> Any:  # noqa: ANN401 - any JSON
    """Raise InvalidRow for what is no JSON, or is null, which would look as if there were no row."""
    if value is not None and (found := rows.parsed(value)) is not None:
        return found
    if value is not None:
        raise rows.invalid(key, "JSON", value)
    return None


def write(session: Session, run: RunRef, task_id: str, map_index: int, key: str, value: Any) -> None:  # noqa: ANN401, PLR0913, PLR0917 - a row's whole name
    """Insert or replace a row. Two callers seldom write the same row at once: see ``run_state``, ``batch_state``."""
    changed = session.execute(
        update(Store)
        .where(*where(run, task_id, map_index, key))
        .values(value=_text(key, value), updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has one
        add(session, run, [(task_id, map_index, key, value)])


def put(
    session: Session, values: Iterable[tuple[RunRef, str, int, str, Any]], expires_at: datetime | None = None
) -> None:
    """Insert or replace rows of (run, task, map index, key, value) in one statement.

    In the order of their keys: two transactions that replace the same rows do not wait for each other in a circle.
    """
    ordered = sorted(values, key=lambda row: (row[0].id, *row[1:4]))
    if ordered:
        statement = _INSERTS[session.get_bind().dialect.name](Store.__table__)
        replaced = {name: statement.excluded[name] for name in ("value", "updated_at", "expires_at")}
        session.connection().execute(
            statement.on_conflict_do_update(index_elements=_PRIMARY_KEY, set_=replaced),
            [{**_names(run), **_columns(*row), "expires_at": expires_at} for run, *row in ordered],
        )


def _names(run: RunRef) -> dict[str, Any]:
    return {"dag_run_id": run.id, "dag_id": run.dag_id, "run_id": run.run_id, "updated_at": clock.now()}


def _columns(task_id: str, map_index: int, key: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"task_id": task_id, "map_index": map_index, "key": key, "value": _text(key, value)}


def _text(key: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the text of a row; what people read has no secret that is known here."""
    if isinstance(value, Struct):
        value = stored(value)
    if key == store_keys.ITEM and isinstance(value, dict) and "results" in value:
        value = {**value, "results": redaction.value(value["results"])}
    text = json.dumps(value)
    return redaction.json_text(text) if key in store_keys.SHOWN_TO_PEOPLE else text


def add(session: Session, run: RunRef, added: Iterable[tuple[str, int, str, Any]]) -> None:
    """Insert rows of (task, map index, key, value) in one statement."""
    names = _names(run)
    values = [{**names, **_columns(*row)} for row in added]
    if values:
        session.execute(insert(Store), values)


def forget(session: Session, run: RunRef, task_ids: list[str] | tuple[str, ...], *conditions: Any) -> None:
    """Delete rows of some tasks."""
    session.execute(
        delete(Store)
        .where(Store.dag_run_id == run.id, Store.task_id.in_(task_ids), *conditions)
        .execution_options(synchronize_session=False)
    )
