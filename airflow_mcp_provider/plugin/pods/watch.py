"""A scheduler's thread that follows the pods of its jobs: notes what went wrong with them, sweeps away what is left.

It watches, and does not only look: the executor deletes a failed pod as soon as it sees it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import cached_property
from http import HTTPStatus
from typing import Any

import structlog
from airflow.configuration import conf
from kubernetes.client import CoreV1Api
from kubernetes.client.rest import ApiException
from kubernetes.watch import Watch

from airflow_mcp_provider.plugin.forks import undivided
from airflow_mcp_provider.plugin.pods import again
from airflow_mcp_provider.plugin.pods.note import forget, note
from airflow_mcp_provider.plugin.pods.reasons import reason
from airflow_mcp_provider.plugin.pods.seam import DONE, get_kube_client
from airflow_mcp_provider.plugin.pods.subject import JOB, Subject
from airflow_mcp_provider.plugin.pods.sweep import Sweep
from airflow_mcp_provider.plugin.queue_seam import create_session

TURN = 5
"""Seconds from sweep to sweep."""
PAUSE = 5.0
"""Seconds until the next try when Kubernetes does not answer."""
PATIENCE = (5, 60)
"""Seconds for a connection, and between two events or the end of a turn."""

log = structlog.get_logger(__name__)

_begun: dict[str, PodWatch] = {}
_beginning = threading.Lock()


def watch(worker: str) -> None:
    """See to it that this scheduler, whose number is ``worker``, follows its pods from now on."""
    with _beginning:
        if worker not in _begun:
            _begun[worker] = PodWatch(worker)
            threading.Thread(target=_begun[worker].run, name="mcp-pods", daemon=True).start()


class PodWatch:
    """The thread, and what it remembers."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._version: str | None = None
        self._waiting: set[str] = set()
        self._quiet = False

    def run(self) -> None:
        """Follow for as long as the process lives."""
        while True:
            try:
                self.turn()
                self._quiet = False
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may do better
                self._failed(error)
                time.sleep(PAUSE)

    def turn(self) -> None:
        """Sweep once, then follow what happens for ``TURN`` seconds."""
        listed = self._list(label_selector=JOB)
        self._version = self._version or listed.metadata.resource_version
        self._sweep_away(listed.items)
        happened = False
        for kind, pod in self._events():
            happened = True
            with undivided:
                self._handle(kind, pod)
        if not happened:  # nothing since the list was made: an older version would be forgotten some day
            self._version = listed.metadata.resource_version

    def _events(self) -> Iterator[tuple[str, Any]]:
        stream = Watch().stream(
            self._list,
            label_selector=JOB,
            resource_version=self._version,
            timeout_seconds=TURN,
            _request_timeout=PATIENCE,
        )
        for event in stream:
            self._version = event["object"].metadata.resource_version
            yield event["type"], event["object"]

    def _handle(self, kind: str, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        subject = Subject.of(pod)
        if subject is None or subject.worker != self._worker or DONE in pod.metadata.labels:
            return
        name, found = pod.metadata.name, reason(pod, kind)
        with create_session(scoped=False) as session:
            if kind == "DELETED" and pod.status.phase == "Pending" and again.wanted(session, subject, pod):
                again.make(self._api, pod)
            elif found:
                note(session, subject, name, found)
            elif name in self._waiting and pod.status.phase == "Running":
                forget(session, subject)
        if found and not found.over:
            self._waiting.add(name)
        elif kind == "DELETED" or pod.status.phase != "Pending":
            self._waiting.discard(name)

    def _sweep_away(self, pods: list[Any]) -> None:
        with undivided, create_session(scoped=False) as session:
            ended = self._sweep.look(session, pods)
        for pod in ended:
            self._sweep.end(pod)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, ApiException) and error.status == HTTPStatus.GONE:
            self._version = None
        elif not self._quiet:  # once, and not every few seconds while Kubernetes is away
            self._quiet = True
            log.warning("the pods cannot be followed at the moment", reason=f"{type(error).__name__}: {error}"[:500])

    @cached_property
    def _api(self) -> CoreV1Api:
        return get_kube_client()

    @cached_property
    def _sweep(self) -> Sweep:
        return Sweep(self._api)

    @cached_property
    def _namespace(self) -> str | None:
        several = conf.getboolean("kubernetes_executor", "multi_namespace_mode")
        return None if several else conf.get("kubernetes_executor", "namespace")

    def _list(self, **arguments: Any) -> Any:  # noqa: ANN401 - Kubernetes' own
        if self._namespace is None:
            return self._api.list_pod_for_all_namespaces(**arguments)
        return self._api.list_namespaced_pod(self._namespace, **arguments)
