"""Outcomes that are lost or damaged: how many there are, and what the report is told of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.growth.reserved import Reserved
from airflow_mcp_provider.plugin.store import RunRef
from airflow_mcp_provider.plugin.tables import Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.runtime import wire


def missing_of(session: Session, run: RunRef, state: Reserved) -> int:
    """Count the subtasks that seem to have succeeded and whose outcomes the report does not get."""
    query = select(func.count()).where(
        Store.dag_run_id == run.id, Store.task_id.in_(state.names), Store.key == wire.ITEM, Store.map_index >= 0
    )
    gone = max(0, sum(step.filled for step in state.steps) - (session.scalar(query) or 0))
    return gone + (session.scalar(_damaged(run, state)) or 0)


def _damaged(run: RunRef, state: Reserved) -> Select[Any]:
    """Count the subtasks that succeeded and whose rows are damaged; ``batched`` counts those of batches."""
    same = (TaskInstance.task_id == Store.task_id) & (TaskInstance.map_index == Store.map_index)
    alone = Store.task_id.in_([step.name for step in state.steps if step.batch == 1])
    found = (
        select(Store.task_id, Store.map_index)
        .join(TaskInstance, same & (TaskInstance.dag_id == run.dag_id) & (TaskInstance.run_id == run.run_id))
        .where(Store.dag_run_id == run.id, alone, broken(Store))
        .where(TaskInstance.state == TaskInstanceState.SUCCESS)
        .distinct()
    )
    return select(func.count()).select_from(found.subquery())


def broken(row: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the store's class, or an alias of it
    """Tell items and outcomes that are not of our form, as far as a database sees it without reading them all."""
    return or_(*(and_(row.key == key, ~_has(row.value, parts)) for key, parts in PARTS.items()))


def _has(value: Any, parts: Iterable[str]) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    return and_(value.startswith("{"), *(value.contains(part, autoescape=True) for part in parts))


PARTS = {wire.ITEM: ('"key": "', '"payload": {', '"depth": '), wire.OUTCOME: ('"attempt": ',)}
"""What stands in every item and outcome that is whole."""


def damaged(step: str, place: int, message: str, item: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the outcome of a subtask whose rows cannot be read."""
    known = item or {"key": f"{step}[{place}]", "payload": {}, "parent": None, "depth": 0}
    return {
        **{name: known[name] for name in ("key", "payload", "parent", "depth")},
        "job": known.get("job"),
        "step": step,
        "status": "failed",
        "attempts": 0,
        "started": None,
        "ended": None,
        "result": None,
        "error": {"type": InvalidRow.__name__, "message": message, "trace": ""},
    }
