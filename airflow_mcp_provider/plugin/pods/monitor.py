"""A scheduler's thread that follows the pods of its jobs: notes what went wrong with them, sweeps away what is left.

It watches, and does not only look: the executor deletes a failed pod as soon as it sees it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any

import structlog
from airflow.configuration import conf
from kubernetes.client import CoreV1Api
from kubernetes.client.rest import ApiException
from kubernetes.watch import Watch
from tenacity import RetryCallState, retry, retry_if_not_exception_type, stop_after_attempt, wait_fixed
from urllib3.exceptions import HTTPError

from airflow_mcp_provider.plugin.db.fork_lock import undivided
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.pods import recreate
from airflow_mcp_provider.plugin.pods.airflow_internals import DONE, get_kube_client
from airflow_mcp_provider.plugin.pods.cleanup import Sweep
from airflow_mcp_provider.plugin.pods.identity import JOB, Attempt
from airflow_mcp_provider.plugin.pods.missing import unmade, why
from airflow_mcp_provider.plugin.pods.pending import Waiting
from airflow_mcp_provider.plugin.pods.status_store import forget, note

TURN = 5
"""Seconds from sweep to sweep."""
PAUSE = 5.0
"""Seconds until the next try when Kubernetes does not answer."""
PATIENCE = (5, 60)
"""Seconds for a connection, and between two events or the end of a turn."""

OF_ONE_POD = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Answers that are about one pod: the others are followed all the same."""
AWAY = (ApiException, HTTPError, OSError)

log = structlog.get_logger(__name__)

_begun: dict[str, PodWatch] = {}
_beginning = threading.Lock()


def watch(worker: str) -> None:
    """See to it that this scheduler, whose number is ``worker``, follows its pods from now on."""
    with _beginning:
        if worker not in _begun:
            _begun[worker] = PodWatch(worker)
            threading.Thread(target=_begun[worker].run, name="mcp-pods", daemon=True).start()


def _lost(state: RetryCallState) -> None:
    wrong = state.outcome.exception() if state.outcome else None
    log.error("what happened to a pod could not be kept", exc_info=wrong)


class PodWatch:
    """The thread, and what it remembers."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._version: str | None = None
        self._waiting = Waiting()
        self._pods: list[Any] = []
        self._away = False

    def run(self) -> None:
        """Follow for as long as the process lives."""
        while True:
            try:
                self._turn_or_tell()
            except Exception:
                log.exception("the pods could not be followed")
                time.sleep(PAUSE)

    def _turn_or_tell(self) -> None:
        try:
            self.turn()
            self._away = False
        except AWAY as error:
            if isinstance(error, ApiException) and error.status == HTTPStatus.GONE:
                self._version = None
                return
            if not self._away:  # once, and not every few seconds while Kubernetes is away
                log.warning("Kubernetes does not answer", reason=f"{type(error).__name__}: {error}"[:500])
            self._away = True
            self._tell(self._without(), None)
            time.sleep(PAUSE)

    def turn(self) -> None:
        """Sweep once, then follow what happens for ``TURN`` seconds."""
        call, *where = self._list
        listed = call(*where, label_selector=JOB)
        missed = [] if self._version else listed.items  # what had happened to them when this began
        self._version, self._pods = self._version or listed.metadata.resource_version, listed.items
        for pod in missed:
            self._handle("ADDED", pod)
        self._sweep_away()
        happened = False
        for kind, pod in self._events():
            happened = True
            self._handle(kind, pod)
        if not happened:  # nothing since the list was made: an older version would be forgotten some day
            self._version = listed.metadata.resource_version

    def _events(self) -> Iterator[tuple[str, Any]]:
        stream = Watch().stream(
            *self._list,
            label_selector=JOB,
            resource_version=self._version,
            timeout_seconds=TURN,
            _request_timeout=PATIENCE,
        )
        for event in stream:
            yield event["type"], event["object"]
            self._version = event["object"].metadata.resource_version  # it was handled

    @retry(
        retry=retry_if_not_exception_type(AWAY),
        stop=stop_after_attempt(3),
        wait=wait_fixed(1),
        retry_error_callback=_lost,
    )
    def _handle(self, kind: str, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        """An event comes once: a lost connection to the database, or a deadlock there, must not cost it."""
        try:
            with undivided:
                self._heed(kind, pod)
        except ApiException as error:
            if error.status not in OF_ONE_POD:
                raise
            log.warning("pod", decision="passed over", pod=pod.metadata.name, reason=f"{error.status}: {error.reason}")

    def _heed(self, kind: str, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        attempt = Attempt.of(pod)
        if attempt is None or attempt.worker != self._worker or DONE in pod.metadata.labels:
            return
        if attempt.instance is None:  # the plugin writes it on each pod of a job that Airflow makes
            return
        found = self._waiting.reason(attempt, pod, kind)
        with create_session(scoped=False) as session:
            if kind == "DELETED" and pod.status.phase == "Pending" and recreate.wanted(session, attempt, pod):
                recreate.make(self._api, pod)
            elif found:
                note(session, attempt, pod.metadata.name, found)
            elif attempt in self._waiting and pod.status.phase == "Running":
                forget(session, attempt)
        self._waiting.learn(attempt, pod, kind, found)

    def _sweep_away(self) -> None:
        with undivided, create_session(scoped=False) as session:
            ended = self._sweep.look(session, self._pods)
        self._tell(self._without(), self._api)
        for pod in ended:
            self._sweep.end(pod)

    def _without(self) -> list[Attempt]:
        with undivided, create_session(scoped=False) as session:
            return unmade(session, self._worker, self._pods)

    def _tell(self, without: Sequence[Attempt], api: CoreV1Api | None) -> None:
        if without:
            found = why(api, *self._list[1:])
            with undivided, create_session(scoped=False) as session:
                for attempt in without:
                    note(session, attempt, "", found)
            self._waiting.add(without)

    @cached_property
    def _api(self) -> CoreV1Api:
        return get_kube_client()

    @cached_property
    def _sweep(self) -> Sweep:
        return Sweep(self._api)

    @cached_property
    def _list(self) -> tuple[Any, ...]:
        """The client's own method, for ``Watch`` reads its docstring to know what comes, and where to list."""
        if conf.getboolean("kubernetes_executor", "multi_namespace_mode"):
            return (self._api.list_pod_for_all_namespaces,)
        return (self._api.list_namespaced_pod, conf.get("kubernetes_executor", "namespace"))
