"""Delete pods whose task has ended: Airflow leaves them after a cancel, the end of a scheduler, or a full cluster.

Runs in every scheduler. All calls can be repeated, because two schedulers may find the same pod.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from airflow.configuration import conf
from kubernetes.client import CoreV1Api, V1DeleteOptions
from kubernetes.client.rest import ApiException
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import run_end
from airflow_mcp_provider.plugin.db.states import MAY_HAVE_POD
from airflow_mcp_provider.plugin.db.tables import TaskInstance
from airflow_mcp_provider.plugin.pods.airflow_internals import DONE, TaskInstanceHistory
from airflow_mcp_provider.plugin.pods.api_outage import TRANSIENT
from airflow_mcp_provider.plugin.pods.identity import instance_of

LINGER = 30.0
"""Seconds that a started pod may exist after its task: a cancelled task gets 5 s to end, Python needs time to exit, and
the executor deletes pods itself."""

log = structlog.get_logger(__name__)


class PodCleanup:
    """Finds pods to delete; it stores since when the task of a pod is known to have ended."""

    def __init__(self, api: CoreV1Api) -> None:
        self._api = api
        self._since: dict[str, float] = {}

    def look(self, session: Session, pods: Iterable[Any]) -> list[Any]:
        """Return those of ``pods`` that are to be deleted now."""
        # The pod of a container is not one of the executor's, but belongs to the same attempt.
        named = [(pod, instance) for pod in pods if (instance := instance_of(pod))]
        ended = _ended(session, [UUID(instance) for _, instance in named])
        over = [(pod, instance) for pod, instance in named if instance in ended]
        now = time.monotonic()
        self._since = {pod.metadata.uid: self._since.get(pod.metadata.uid, now) for pod, _ in over}
        ids = [UUID(instance) for _, instance in over]
        ending = run_end.graces(session, ids) if ids else {}
        cleaning = {str(number) for number, (_, end) in ending.items() if end.grace > run_end.DEFAULT_GRACE}
        return [
            pod
            for pod, instance in over
            if self._due(pod, now, begun=_has_begun(pod, ended[instance]), cleaning=instance in cleaning)
        ]

    def end(self, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        """Release the executor's slot, and delete the pod."""
        name, namespace = pod.metadata.name, pod.metadata.namespace
        log.warning("pod", decision="deleted", pod=name, reason="its task has ended")
        with _tolerated():
            # The executor watches pods without this label. If a pod gets the label, the executor assumes that another
            # scheduler adopted it, and releases the slot. The executor ignores the mere deletion of a Pending pod.
            self._api.patch_namespaced_pod(name, namespace, {"metadata": {"labels": {DONE: "True"}}})
            self._api.delete_namespaced_pod(name, namespace, body=V1DeleteOptions(grace_period_seconds=0))

    def _due(self, pod: Any, now: float, *, begun: bool, cleaning: bool) -> bool:  # noqa: ANN401 - a V1Pod
        """Return whether to delete the pod; ``cleaning``: its run was cancelled, and its grace is not over."""
        if pod.status.phase == "Pending" and not begun:
            return True
        if pod.status.phase == "Failed" and not conf.getboolean("kubernetes_executor", "delete_worker_pods_on_failure"):
            return False
        kept = pod.status.phase == "Succeeded" and not conf.getboolean("kubernetes_executor", "delete_worker_pods")
        return not kept and not cleaning and now - self._since[pod.metadata.uid] > LINGER


Times = tuple[datetime | None, datetime | None]
"""The start and the end of a task instance."""


def _ended(session: Session, instances: list[UUID]) -> dict[str, Times]:
    """Return the ended or superseded ones with their times; unknown ones may belong to another Airflow."""
    over = TaskInstance.state.is_(None) | TaskInstance.state.not_in(MAY_HAVE_POD)
    found: dict[str, Times] = {}
    for table, number, *more in (
        (TaskInstance, TaskInstance.id, over),
        (TaskInstanceHistory, TaskInstanceHistory.task_instance_id),
    ):
        query = select(number, table.start_date, table.end_date).where(number.in_(instances), *more)
        found |= {str(one): (start, end) for one, start, end in session.execute(query)}
    return found


def _has_begun(pod: Any, times: Times) -> bool:  # noqa: ANN401 - a V1Pod
    """Return whether the runner of the pod has started its task instance.

    A kubelet on a busy node reports a container seconds after its start. An older start is that of an earlier attempt;
    Airflow gives a task instance that never began its end as its start.
    """
    start, end = times
    return start is not None and start > pod.metadata.creation_timestamp and (end is None or start < end)


@contextmanager
def _tolerated() -> Iterator[None]:
    """Ignore that the pod is deleted already, log that deleting it is forbidden; other pods are still deleted."""
    try:
        yield
    except ApiException as error:
        if (error.status or 0) >= TRANSIENT:
            raise
        if error.status != HTTPStatus.NOT_FOUND:
            log.warning("cannot delete the pod of an ended task", reason=f"{error}"[:500])
