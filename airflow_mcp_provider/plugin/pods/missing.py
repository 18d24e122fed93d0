"""Report why a queued subtask has no pod: the Kubernetes API is not available, or a quota is exceeded.

The executor retries (``[kubernetes_executor] task_publish_max_retries``), and writes the reason to its log only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.client.rest import ApiException
from kubernetes.utils.quantity import parse_quantity
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import TaskRef
from airflow_mcp_provider.plugin.db.tables import DagTag, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.runtime.pod_reasons import Reason
from airflow_mcp_provider.spec.marker import LOCAL

PATIENCE = timedelta(seconds=10)
MOST = 100
"""The largest number of subtasks that get the reason; the others wait for the same."""


def without_pod(session: Session, worker: str, pods: Iterable[Any]) -> list[Attempt]:
    """Return the task instances of jobs that this scheduler queued some time ago, and that have none of ``pods``."""
    query = select(TaskInstance).where(
        TaskInstance.state == TaskInstanceState.QUEUED,
        TaskInstance.queued_by_job_id == int(worker),
        TaskInstance.queued_dttm < clock.now() - PATIENCE,
        TaskInstance.executor.is_(None) | (TaskInstance.executor != LOCAL),
        TaskInstance.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == JOB_TAG)),
    )
    there = {attempt.instance for pod in pods if (attempt := Attempt.of(pod))}
    queued = session.scalars(query.limit(MOST)).all()
    return [_attempt_of(task, worker) for task in queued if str(task.id) not in there]


def why(api: CoreV1Api | None, namespace: str | None = None) -> Reason:
    """Return the reason: an exceeded quota, if there is one; ``api`` None: the Kubernetes API is not available."""
    if api is None:
        message = "Kubernetes API not available; the pod will be created when it is available again"
        return Reason("PodNotCreated", message, over=False)
    full = "; ".join(_full(api, namespace)) if namespace else ""
    cause = f"resource quota exceeded: {full}" if full else "rejected by Kubernetes; see the scheduler's log"
    return Reason("PodNotCreated", f"pod not created yet: {cause}", over=False)


def _full(api: CoreV1Api, namespace: str) -> Iterator[str]:
    try:
        quotas = api.list_namespaced_resource_quota(namespace).items
    except ApiException:  # the scheduler's role may not have the permission
        return
    for quota in quotas:
        used = quota.status.used or {}
        for name, hard in (quota.status.hard or {}).items():
            if parse_quantity(used.get(name, "0")) >= parse_quantity(hard):
                yield f"{quota.metadata.name} uses {used[name]} of {hard} {name}"


def _attempt_of(task: Any, worker: str) -> Attempt:  # noqa: ANN401 - a TaskInstance
    return Attempt(TaskRef.of(task), task.try_number, worker=worker, instance=str(task.id))
