"""Keep what became of a pod where people look: at the task, in Airflow's audit log, in the subtask's outcome.

The pod and its log are gone when anybody asks.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.tables import DagRun, Store, TaskInstance
from airflow_mcp_provider.plugin.pods.airflow_internals import Log
from airflow_mcp_provider.plugin.pods.identity import Subject
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.runtime.pod_reasons import REFUSED, Reason

log = structlog.get_logger(__name__)


def note(session: Session, subject: Subject, pod: str, reason: Reason) -> None:
    """Keep ``reason``, unless the task is at another attempt by now, or it is known already."""
    run = _run(session, subject)
    place = (subject.task_id, subject.map_index)
    value = {"attempt": subject.attempt, "name": pod, "reason": reason.type, "message": reason.message}
    known = None if run is None else rows.pod(state_store.text_of(session, run, *place, protocol.POD))
    if run is None or known == value or (not reason.over and _is_refused(known, subject)):
        return
    state_store.write(session, run, *place, protocol.POD, value)
    if reason.type == OUT_OF_MEMORY:
        _count(session, run, subject)
    session.add(Log(event=f"pod: {reason.type}", task_instance=subject.key, extra=f"{reason.message} (pod {pod})"))
    log.warning(
        "pod", job=subject.dag_id, run=subject.run_id, task=subject.task_id, map_index=subject.map_index, **value
    )


def _is_refused(known: dict[str, Any] | None, subject: Subject) -> bool:
    """No pod is made in this attempt any more, whatever a look that was under way thinks of a task without one."""
    return known is not None and (known.get("attempt"), known["reason"]) == (subject.attempt, REFUSED)


def forget(session: Session, subject: Subject) -> None:
    """The pod runs after all."""
    run = _run(session, subject)
    if run is not None:
        which = (Store.map_index == subject.map_index, Store.key == protocol.POD)
        state_store.forget(session, run, [subject.task_id], *which)


def _count(session: Session, run: state_store.RunRef, subject: Subject) -> None:
    place = (subject.task_id, subject.map_index, protocol.OOMS)
    known = rows.parsed(state_store.text_of(session, run, *place))
    state_store.write(session, run, *place, sorted({*(known if rows.is_ooms(known) else ()), subject.attempt}))


def _run(session: Session, subject: Subject) -> state_store.RunRef | None:
    of_task: tuple[Any, ...] = (
        TaskInstance.dag_id == subject.dag_id,
        TaskInstance.run_id == subject.run_id,
        TaskInstance.task_id == subject.task_id,
        TaskInstance.map_index == subject.map_index,
        TaskInstance.try_number == subject.attempt,
    )
    if subject.instance is not None:  # what stands on a pod counts for the attempt alone that it was made for
        of_task += (TaskInstance.id == UUID(subject.instance),)
    same = (DagRun.dag_id == TaskInstance.dag_id) & (DagRun.run_id == TaskInstance.run_id)
    number = session.scalar(select(DagRun.id).join(TaskInstance, same).where(*of_task))
    return None if number is None else state_store.RunRef(number, subject.dag_id, subject.run_id)
