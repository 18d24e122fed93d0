"""A scheduler's thread that watches the pods of its jobs: it stores what went wrong, and deletes abandoned pods.

It uses a watch instead of polling, because the executor deletes a failed pod as soon as it sees it.
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

from airflow_mcp_provider.plugin.db.fork_lock import no_fork
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.pods import recreate
from airflow_mcp_provider.plugin.pods.airflow_internals import DONE, get_kube_client
from airflow_mcp_provider.plugin.pods.cleanup import PodCleanup
from airflow_mcp_provider.plugin.pods.identity import JOB, Attempt
from airflow_mcp_provider.plugin.pods.missing import why, without_pod
from airflow_mcp_provider.plugin.pods.pending import Waiting
from airflow_mcp_provider.plugin.pods.status_store import forget, note

TURN = 5
"""Seconds between two cleanups."""
PAUSE = 5.0
"""Seconds until the next try while the Kubernetes API is not available."""
PATIENCE = (5, 60)
"""Seconds to wait for a connection, and between two events or the end of a turn."""

OF_ONE_POD = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Errors of a single pod; the watch of the others continues."""
AWAY = (ApiException, HTTPError, OSError)

log = structlog.get_logger(__name__)

_begun: dict[str, PodWatch] = {}
_beginning = threading.Lock()


def watch(worker: str) -> None:
    """Start to watch the pods of this scheduler, unless it is watched; ``worker`` is the scheduler's job id."""
    with _beginning:
        if worker not in _begun:
            _begun[worker] = PodWatch(worker)
            threading.Thread(target=_begun[worker].run, name="mcp-pods", daemon=True).start()


def _lost(state: RetryCallState) -> None:
    wrong = state.outcome.exception() if state.outcome else None
    log.error("cannot store the state of a pod", exc_info=wrong)


class PodWatch:
    """The watch of one scheduler."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._version: str | None = None
        self._waiting = Waiting()
        self._pods: list[Any] = []
        self._away = False

    def run(self) -> None:
        """Watch until the process ends."""
        while True:
            try:
                self._turn_or_pause()
            except Exception:
                log.exception("failed to watch the pods")
                time.sleep(PAUSE)

    def _turn_or_pause(self) -> None:
        try:
            self.turn()
            self._away = False
        except AWAY as error:
            if isinstance(error, ApiException) and error.status == HTTPStatus.GONE:
                self._version = None
                return
            if not self._away:  # once per outage, and not every few seconds
                log.warning("Kubernetes API not available", reason=f"{type(error).__name__}: {error}"[:500])
            self._away = True
            self._report_missing(self._without_pod(), None)
            time.sleep(PAUSE)

    def turn(self) -> None:
        """Clean up once, then watch for ``TURN`` seconds."""
        call, *where = self._list
        listed = call(*where, label_selector=JOB)
        missed = [] if self._version else listed.items  # their state before the watch started
        self._version, self._pods = self._version or listed.metadata.resource_version, listed.items
        for pod in missed:
            self._handle("ADDED", pod)
        self._clean_up()
        happened = False
        for kind, pod in self._events():
            happened = True
            self._handle(kind, pod)
        if not happened:  # no event since the list: an older resource version would expire some day
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
            self._version = event["object"].metadata.resource_version  # after the event was handled

    @retry(
        retry=retry_if_not_exception_type(AWAY),
        stop=stop_after_attempt(3),
        wait=wait_fixed(1),
        retry_error_callback=_lost,
    )
    def _handle(self, kind: str, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        """Handle an event; it comes only once, so errors of the database (connection, deadlock) are retried."""
        try:
            with no_fork:
                self._process(kind, pod)
        except ApiException as error:
            if error.status not in OF_ONE_POD:
                raise
            log.warning("pod", decision="skipped", pod=pod.metadata.name, reason=f"{error.status}: {error.reason}")

    def _process(self, kind: str, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        attempt = Attempt.of(pod)
        if attempt is None or attempt.worker != self._worker or DONE in pod.metadata.labels:
            return
        if attempt.instance is None:  # the plugin writes it on each pod of a job that Airflow creates
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

    def _clean_up(self) -> None:
        with no_fork, create_session(scoped=False) as session:
            ended = self._cleanup.look(session, self._pods)
        self._report_missing(self._without_pod(), self._api)
        for pod in ended:
            self._cleanup.end(pod)

    def _without_pod(self) -> list[Attempt]:
        with no_fork, create_session(scoped=False) as session:
            return without_pod(session, self._worker, self._pods)

    def _report_missing(self, without: Sequence[Attempt], api: CoreV1Api | None) -> None:
        if without:
            found = why(api, *self._list[1:])
            with no_fork, create_session(scoped=False) as session:
                for attempt in without:
                    note(session, attempt, "", found)
            self._waiting.add(without)

    @cached_property
    def _api(self) -> CoreV1Api:
        return get_kube_client()

    @cached_property
    def _cleanup(self) -> PodCleanup:
        return PodCleanup(self._api)

    @cached_property
    def _list(self) -> tuple[Any, ...]:
        """The client's method, because ``Watch`` reads the type from its docstring, and the namespace to list."""
        if conf.getboolean("kubernetes_executor", "multi_namespace_mode"):
            return (self._api.list_pod_for_all_namespaces,)
        return (self._api.list_namespaced_pod, conf.get("kubernetes_executor", "namespace"))
