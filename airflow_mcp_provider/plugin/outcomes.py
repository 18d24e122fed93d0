"""What a run's subtasks ended with, read from Airflow's tables: pages for the report, counts for its verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.plugin.airflow_seam import DagRun, Store, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.reserve import Reserved
from airflow_mcp_provider.plugin.store import PLAN, RUN_TASK, RunRef
from airflow_mcp_provider.runtime import wire

PAGE_ROWS = 500
PAGE_BYTES = 1_000_000
FAILURES = 20
FAILED = (TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED)
LOST = {
    "type": "RunnerLost",
    "message": "the runner ended without a word: killed, evicted or out of memory; the task's log may tell more",
    "trace": "",
}


def page(session: Session, run: RunRef, offset: int) -> dict[str, Any]:
    """Return outcomes from map index ``offset`` on, and where the next page begins (None: this was the last)."""
    rows = session.execute(_query(run).where(_item.map_index >= offset).limit(PAGE_ROWS)).all()
    outcomes: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        outcomes.append(_outcome(row))
        size += len(row.item) + len(row.outcome or "")
        if size > PAGE_BYTES:
            break
    more = len(outcomes) < len(rows) or len(rows) == PAGE_ROWS
    return {"outcomes": outcomes, "next": rows[len(outcomes) - 1].map_index + 1 if more else None}


def counts(session: Session, run: RunRef) -> dict[str, Any]:
    """Count the run's subtasks by how they ended; ``pending`` are those that have not, or not begun."""
    state = Reserved.read(session, run)
    reserved = state.reserved if state else 0
    by_state = _states(session, run, reserved)
    succeeded = by_state.get(TaskInstanceState.SUCCESS, 0)
    failed = sum(by_state.get(one, 0) for one in FAILED)
    skipped = by_state.get(TaskInstanceState.SKIPPED, 0)
    plan = session.scalar(_task(run, PLAN).with_only_columns(TaskInstance.state))
    missing = reserved - sum(by_state.values())
    if state is not None and state.halted(_clear_number(session, run)):
        skipped, missing = skipped + missing, 0
    return {
        "reserved": reserved,
        "succeeded": succeeded,
        "failed": failed,
        "skipped": skipped,
        "pending": reserved - succeeded - failed - skipped if plan == TaskInstanceState.SUCCESS else 0,
        "plan": str(plan),
        "failures": [_short(one) for one in _failures(session, run)],
    }


def failing(session: Session, run: RunRef) -> int:
    """Count the subtasks that have said their last attempt failed, and have not ended yet."""
    query = _query(run).where(TaskInstance.state == TaskInstanceState.RUNNING, _end.value.contains('"final": true'))
    said = ((json.loads(row.outcome), row.try_number) for row in session.execute(query))
    return sum(1 for outcome, attempt in said if outcome.get("final") is True and outcome["attempt"] == attempt)


def _states(session: Session, run: RunRef, reserved: int) -> dict[str | None, int]:
    query = (
        _task(run, RUN_TASK)
        .where(TaskInstance.map_index >= 0, TaskInstance.map_index < reserved)
        .with_only_columns(TaskInstance.state, func.count())
        .group_by(TaskInstance.state)
    )
    return {state: count for state, count in session.execute(query)}  # noqa: C416 - rows are not pairs to mypy


def _task(run: RunRef, task_id: str) -> Select[Any]:
    return select(TaskInstance).where(
        TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id, TaskInstance.task_id == task_id
    )


def _clear_number(session: Session, run: RunRef) -> int:
    return session.scalars(select(DagRun.clear_number).where(DagRun.id == run.id)).one()


def _failures(session: Session, run: RunRef) -> Iterable[dict[str, Any]]:
    query = _query(run).where(TaskInstance.state.in_(FAILED)).limit(FAILURES)
    return map(_outcome, session.execute(query))


def _short(outcome: dict[str, Any]) -> dict[str, str]:
    return {
        "key": outcome["key"],
        "type": outcome["error"]["type"],
        "message": outcome["error"]["message"][:500],
    }


_item = aliased(Store)
_end = aliased(Store)
_pod = aliased(Store)


def _query(run: RunRef) -> Any:  # noqa: ANN401 - a Select of eight columns
    instance = and_(
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        TaskInstance.task_id == RUN_TASK,
        TaskInstance.map_index == _item.map_index,
    )
    end = and_(
        _end.dag_run_id == run.id,
        _end.task_id == RUN_TASK,
        _end.map_index == _item.map_index,
        _end.key == wire.OUTCOME,
    )
    pod = and_(
        _pod.dag_run_id == run.id,
        _pod.task_id == RUN_TASK,
        _pod.map_index == _item.map_index,
        _pod.key == wire.POD,
    )
    columns = (
        _item.map_index,
        _item.value.label("item"),
        _end.value.label("outcome"),
        _pod.value.label("pod"),
        TaskInstance.state,
        TaskInstance.try_number,
        TaskInstance.start_date,
        TaskInstance.end_date,
    )
    return (
        select(*columns)
        .outerjoin(TaskInstance, instance)
        .outerjoin(_end, end)
        .outerjoin(_pod, pod)
        .where(_item.dag_run_id == run.id, _item.task_id == RUN_TASK, _item.key == wire.ITEM)
        .order_by(_item.map_index)
    )


def _outcome(row: Row[Any]) -> dict[str, Any]:
    status = _status(row.state)
    said = json.loads(row.outcome) if row.outcome else {}
    current = said if said.get("attempt") == row.try_number else {}
    return {
        **json.loads(row.item),
        "status": status,
        "attempts": row.try_number or 0,
        "started": row.start_date.isoformat() if row.start_date else None,
        "ended": row.end_date.isoformat() if row.end_date else None,
        "result": said.get("result") if status == "success" else None,
        "error": (current.get("error") or _lost(row)) if status == "failed" else None,
    }


def _lost(row: Row[Any]) -> dict[str, Any]:
    """Return what is known of a runner that said nothing: what its pod ended with, if it was one."""
    pod = json.loads(row.pod) if row.pod else {}
    if pod.get("attempt") != row.try_number:
        return LOST
    return {"type": pod["reason"], "message": pod["message"], "trace": ""}


def _status(state: str | None) -> str:
    if state == TaskInstanceState.SUCCESS:
        return "success"
    return "failed" if state in FAILED else "skipped"
