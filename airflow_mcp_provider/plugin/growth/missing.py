"""Outcomes that are lost or damaged: how many there are, and what the report is told of one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
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
    """Count the subtasks that succeeded and whose outcomes are no objects."""
    same = (TaskInstance.task_id == Store.task_id) & (TaskInstance.map_index == Store.map_index)
    alone = Store.task_id.in_([step.name for step in state.steps if step.batch == 1])
    return (
        select(func.count())
        .select_from(Store)
        .join(TaskInstance, same & (TaskInstance.dag_id == run.dag_id) & (TaskInstance.run_id == run.run_id))
        .where(Store.dag_run_id == run.id, alone, Store.key == wire.OUTCOME, ~Store.value.startswith("{"))
        .where(TaskInstance.state == TaskInstanceState.SUCCESS)
    )


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
