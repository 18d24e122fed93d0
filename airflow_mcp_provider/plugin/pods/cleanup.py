"""End pods whose task is over: Airflow leaves them where a run is cancelled, a scheduler dies, or nothing fits.

Runs in every scheduler. What it does to a pod can be done twice: two schedulers may find the same one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from airflow.configuration import conf
from kubernetes.client import CoreV1Api, V1DeleteOptions
from kubernetes.client.rest import ApiException
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.states import MAY_HAVE_POD
from airflow_mcp_provider.plugin.db.tables import TaskInstance
from airflow_mcp_provider.plugin.pods.airflow_internals import DONE, TaskInstanceHistory
from airflow_mcp_provider.plugin.pods.api_outage import TRANSIENT
from airflow_mcp_provider.plugin.pods.identity import instance_of

LINGER = 30.0
"""Seconds that a started pod may outlive its task: a cancelled one gets 5 s to end, an interpreter takes its time, and
the executor removes pods itself."""

log = structlog.get_logger(__name__)


class Sweep:
    """Remembers since when it knows a pod's task to be over."""

    def __init__(self, api: CoreV1Api) -> None:
        self._api = api
        self._since: dict[str, float] = {}

    def look(self, session: Session, pods: Iterable[Any]) -> list[Any]:
        """Return those of ``pods`` that are to be ended now."""
        # A container's pod is none of the executor's, but goes with the same attempt.
        named = [(pod, told) for pod in pods if (told := instance_of(pod))]
        ended = _ended(session, [UUID(instance) for _, instance in named])
        over = [pod for pod, instance in named if instance in ended]
        now = time.monotonic()
        self._since = {pod.metadata.uid: self._since.get(pod.metadata.uid, now) for pod in over}
        return [pod for pod in over if self._due(pod, now)]

    def end(self, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        """Give the executor its slot back, and delete the pod."""
        name, namespace = pod.metadata.name, pod.metadata.namespace
        log.warning("pod", decision="ended", pod=name, reason="its task is over")
        with _whatever_is_left():
            # The executor, which watches for pods without this label, takes a pod that gets it for adopted by another
            # scheduler, and forgets it; of a Pending pod's deletion alone it takes no notice, and its slot stays taken.
            self._api.patch_namespaced_pod(name, namespace, {"metadata": {"labels": {DONE: "True"}}})
            self._api.delete_namespaced_pod(name, namespace, body=V1DeleteOptions(grace_period_seconds=0))

    def _due(self, pod: Any, now: float) -> bool:  # noqa: ANN401 - a V1Pod
        if pod.status.phase == "Pending":
            return True
        if pod.status.phase == "Failed" and not conf.getboolean("kubernetes_executor", "delete_worker_pods_on_failure"):
            return False
        kept = pod.status.phase == "Succeeded" and not conf.getboolean("kubernetes_executor", "delete_worker_pods")
        return not kept and now - self._since[pod.metadata.uid] > LINGER


def _ended(session: Session, instances: list[UUID]) -> set[str]:
    """Return those that are over, or superseded; one that is unknown may be of another Airflow in the namespace."""
    over = TaskInstance.state.is_(None) | TaskInstance.state.not_in(MAY_HAVE_POD)
    now = select(TaskInstance.id).where(TaskInstance.id.in_(instances), over)
    before = select(TaskInstanceHistory.task_instance_id).where(TaskInstanceHistory.task_instance_id.in_(instances))
    return {str(number) for query in (now, before) for number in session.scalars(query)}


@contextmanager
def _whatever_is_left() -> Iterator[None]:
    """Somebody else may have deleted the pod, or forbid it: the other pods are ended all the same."""
    try:
        yield
    except ApiException as error:
        if (error.status or 0) >= TRANSIENT:
            raise
        if error.status != HTTPStatus.NOT_FOUND:
            log.warning("a pod whose task is over stays", reason=f"{error}"[:500])
