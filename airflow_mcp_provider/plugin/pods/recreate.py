"""Create a pod again that was deleted before it started, because its task is still queued.

Airflow does not notice the deletion until ``[scheduler] task_queued_timeout`` (10 minutes). The copy has the same
labels, so the executor watches it as its own; no attempt is lost.
"""

from __future__ import annotations

from typing import Any

from kubernetes.client import CoreV1Api, V1ObjectMeta, V1Pod
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import of_task
from airflow_mcp_provider.plugin.db.tables import TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.pods.airflow_internals import DONE, REVOKED
from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.runtime.pod_reasons import IMAGE, STARTING

COPIES = "mcp/copies"
MOST = 3
"""The largest number of copies: after more deletions the pod stays deleted."""
TOKEN = "kube-api-access-"  # noqa: S105 - how Kubernetes names the volume that it adds


def wanted(session: Session, attempt: Attempt, pod: Any) -> bool:  # noqa: ANN401 - a V1Pod that was deleted
    """Return whether the pod's task still waits for it, and it was not deleted by Airflow."""
    labels = pod.metadata.labels
    if REVOKED in labels or DONE in labels or _copies(pod) >= MOST or _cannot_start(pod):
        return False
    query = select(TaskInstance.id).where(
        *of_task(TaskInstance, attempt.task),
        TaskInstance.try_number == attempt.try_number,
        TaskInstance.state == TaskInstanceState.QUEUED,
    )
    return str(session.scalar(query)) == attempt.instance


def make(api: CoreV1Api, pod: Any) -> str:  # noqa: ANN401 - a V1Pod
    """Create the copy; returns its name."""
    old = pod.metadata
    number = _copies(pod) + 1
    name = f"{old.name.removesuffix(f'-{number - 1}')[:60]}-{number}"
    metadata = V1ObjectMeta(
        name=name,
        namespace=old.namespace,
        labels=old.labels,
        annotations={**old.annotations, COPIES: str(number)},
    )
    api.create_namespaced_pod(old.namespace, V1Pod(metadata=metadata, spec=_spec(pod.spec)))
    return name


def _copies(pod: Any) -> int:  # noqa: ANN401 - a V1Pod
    number = pod.metadata.annotations.get(COPIES, "0")
    return int(number) if number.isdecimal() else MOST


def _spec(spec: Any) -> Any:  # noqa: ANN401 - a V1PodSpec
    """Remove the fields that the cluster added."""
    spec.node_name = None
    spec.volumes = [one for one in spec.volumes or [] if not one.name.startswith(TOKEN)]
    for container in [*spec.containers, *(spec.init_containers or [])]:
        container.volume_mounts = [one for one in container.volume_mounts or [] if not one.name.startswith(TOKEN)]
    return spec


def _cannot_start(pod: Any) -> bool:  # noqa: ANN401
    """Return whether the pod cannot start; the executor deletes such pods itself and then fails their task."""
    waiting = [one.state.waiting.reason for one in pod.status.container_statuses or [] if one.state.waiting]
    return any(reason in IMAGE or reason not in STARTING for reason in waiting)
