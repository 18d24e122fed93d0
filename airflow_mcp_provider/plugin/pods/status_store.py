"""Store why a pod failed: in the task state store, in Airflow's audit log, in the subtask's outcome.

The pod and its log are deleted soon after.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import SAME_RUN, RunRef, of_task, same
from airflow_mcp_provider.plugin.db.tables import DagRun, Store, TaskInstance
from airflow_mcp_provider.plugin.pods.airflow_internals import Log
from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.runtime.messages import PodStatus, stored
from airflow_mcp_provider.runtime.pod_reasons import REFUSED, Reason

log = structlog.get_logger(__name__)


def note(session: Session, attempt: Attempt, pod: str, reason: Reason) -> None:
    """Store ``reason``, unless the task instance has another attempt by now, or it is stored already."""
    run = _run(session, attempt)
    place = (attempt.task.task_id, attempt.task.map_index)
    status = PodStatus(attempt.try_number, pod, reason.type, reason.message)
    known = None if run is None else rows.pod(state_store.text_of(session, run, *place, store_keys.POD))
    if run is None or known == status or (not reason.over and _is_refused(known, attempt)):
        return
    state_store.write(session, run, *place, store_keys.POD, status)
    if reason.type == OUT_OF_MEMORY:
        _count(session, run, attempt)
    session.add(Log(event=f"pod: {reason.type}", task_instance=attempt.key, extra=f"{reason.message} (pod {pod})"))
    log.warning(
        "pod",
        job=attempt.task.dag_id,
        run=attempt.task.run_id,
        task=attempt.task.task_id,
        map_index=attempt.task.map_index,
        **stored(status),
    )


def _is_refused(known: PodStatus | None, attempt: Attempt) -> bool:
    """Return whether the attempt failed without a pod; then a concurrent check must not store another reason."""
    return known is not None and (known.attempt, known.reason) == (attempt.try_number, REFUSED)


def forget(session: Session, attempt: Attempt) -> None:
    """Delete the stored reason: the pod is running now."""
    run = _run(session, attempt)
    if run is not None:
        which = (Store.map_index == attempt.task.map_index, Store.key == store_keys.POD)
        state_store.forget(session, run, [attempt.task.task_id], *which)


def _count(session: Session, run: RunRef, attempt: Attempt) -> None:
    place = (attempt.task.task_id, attempt.task.map_index, store_keys.OOMS)
    known = rows.parsed(state_store.text_of(session, run, *place))
    state_store.write(session, run, *place, sorted({*rows.attempts(known), attempt.try_number}))


def _run(session: Session, attempt: Attempt) -> RunRef | None:
    here: tuple[Any, ...] = (*of_task(TaskInstance, attempt.task), TaskInstance.try_number == attempt.try_number)
    if attempt.instance is not None:  # the annotations of a pod are valid only for its own attempt
        here += (TaskInstance.id == UUID(attempt.instance),)
    number = session.scalar(select(DagRun.id).join(TaskInstance, same(DagRun, TaskInstance, SAME_RUN)).where(*here))
    return None if number is None else RunRef(number, attempt.task.dag_id, attempt.task.run_id)
