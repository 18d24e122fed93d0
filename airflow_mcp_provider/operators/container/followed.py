"""Follow the pod of a container from its start to its end: its log, its subtasks, its result.

Runs in the process of the work.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.client.rest import ApiException
from tenacity import retry, retry_if_exception, wait_fixed
from urllib3.exceptions import HTTPError

from airflow_mcp_provider.errors import InvalidPayload, SubtaskError
from airflow_mcp_provider.operators.container.log import Log
from airflow_mcp_provider.operators.container.manifest import SIDECAR, WORK
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.command import failure_message
from airflow_mcp_provider.runtime.container import FAILED, NOT_STARTED, ContainerRequest, failed
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.runtime.pod_reasons import Reason, reason
from airflow_mcp_provider.runtime.stdout import LastLine, Printed, readable

LOOK_S = 1.0
LAST_WORDS_S = 30.0
CALL_S = (10, 30)
"""Seconds to wait for a connection, and for an answer."""
_ROOT = (
    "; for an image that runs as root set container.user (for example 65534), or "
    "pod.security_context.runAsNonRoot: false"
)


def _is_passing(error: BaseException) -> bool:
    """Return whether the error may be temporary; the container runs meanwhile."""
    if isinstance(error, ApiException):
        return bool(error.status != HTTPStatus.FORBIDDEN)
    return isinstance(error, HTTPError | OSError)


@dataclass
class Followed:
    """One pod from its start to its end."""

    place: tuple[str, str]
    request: ContainerRequest
    client: Callable[[], CoreV1Api]
    _logs: list[Log] = field(default_factory=list)
    _last: LastLine = field(default_factory=LastLine)
    _text: str | None = None
    _lines: int = 0
    _whole: bool = True
    _lost: str = ""
    _over: threading.Event = field(default_factory=threading.Event)
    _began: float = field(default_factory=time.monotonic)
    _reported: str = ""

    def __post_init__(self) -> None:
        self._core = self.client()
        self._printed: Printed = self.request.printed()

    def to_the_end(self) -> Any:  # noqa: ANN401 - any JSON
        """Return its result; raises SubtaskError when it failed, or did not start in time."""
        while True:
            pod = self._look()
            state = _state(pod)
            if not self._logs and (state.running or state.terminated):
                self._logs = [self._log(WORK, self._output), self._log(SIDECAR, self._line)]
            if state.terminated:
                self._end_logs()
                return self._result(pod, state.terminated)
            if found := _lost(pod):
                raise failed(found.message, found.type)
            if not self._logs:
                self._check_start(pod)
            if self._over.wait(LOOK_S):  # the status of the pod follows within a moment
                time.sleep(LOOK_S / 5)

    def until_gone(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the end of a container that received SIGTERM."""
        until = time.monotonic() + seconds
        with suppress(SubtaskError):
            while time.monotonic() < until and not _state(self._look()).terminated:
                time.sleep(LOOK_S / 5)
        self._end_logs()

    def _end_logs(self) -> None:
        for log in self._logs:
            log.end(LAST_WORDS_S)

    @retry(retry=retry_if_exception(_is_passing), wait=wait_fixed(LOOK_S))
    def _look(self) -> Any:  # noqa: ANN401 - a V1Pod
        try:
            return self._core.read_namespaced_pod(*self.place, _request_timeout=CALL_S)
        except ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise failed("the container's pod was deleted", "PodDeleted") from None
            raise

    def _check_start(self, pod: Any) -> None:  # noqa: ANN401 - a V1Pod
        """Log why the container has not started; raises SubtaskError when it cannot start, or did not in time."""
        found = reason(pod, "MODIFIED")
        if found and found.message != self._reported:
            print(f"{found.type}: {found.message}", flush=True)  # noqa: T201 - the task's log
            self._reported = found.message
        if found and _is_final(pod, found):
            raise failed(found.message + (_ROOT if "runAsNonRoot" in found.message else ""), found.type)
        if time.monotonic() - self._began > self.request.start:
            why = found or Reason(NOT_STARTED, "Kubernetes reports no reason", over=True)
            raise failed(f"the container did not start within {self.request.start:g} s: {why.message}", why.type)

    def _log(self, name: str, take: Callable[[bytes], None]) -> Log:
        log = Log(self.client(), self.place, name, take)
        log.start()
        return log

    def _output(self, line: bytes) -> None:
        text = line.decode(errors="surrogateescape")
        sys.stdout.write(redaction.text(readable(text)) + "\n")
        sys.stdout.flush()
        for reader in (self._last, self._printed):
            reader.line(text, whole=True)

    def _line(self, line: bytes) -> None:
        """Handle one line of the output of ``runtime.sidecar``."""
        what, text = json.loads(line)
        if what == "end":
            self._text = text
            self._over.set()
            return
        if what == "lost":
            self._lost = self._lost or text
            return
        self._lines += 1
        self._whole &= what == self._lines
        with self.request.pipe.open("wb") as pipe:
            pipe.write(text.encode(errors="surrogateescape") + b"\n")

    def _result(self, pod: Any, ended: Any) -> Any:  # noqa: ANN401 - V1Pod, V1ContainerStateTerminated, any JSON
        if found := _lost(pod):
            raise failed(found.message, found.type)
        if ended.reason == "OOMKilled":
            limits = (pod.spec.containers[0].resources and pod.spec.containers[0].resources.limits) or {}
            limit = limits.get("memory", "that of the node")
            raise failed(f"the container ran out of memory (OOMKilled); its limit is {limit}", OUT_OF_MEMORY, FAILED)
        if ended.reason in {"StartError", "ContainerCannotRun"}:
            raise failed(f"the container cannot be started: {ended.message}", NOT_STARTED)
        if ended.exit_code:
            raise failed(failure_message(ended.exit_code, self._last.text), FAILED)
        if self._text is None or not self._whole:
            raise failed("the container succeeded, but its result and its last subtasks cannot be read", "ResultLost")
        if self._lost:
            raise InvalidPayload(self._lost)
        return self._printed.of_file(self._text) if self._text else self._printed.result()


def _state(pod: Any) -> Any:  # noqa: ANN401 - V1Pod, V1ContainerState
    for one in pod.status.container_statuses or []:
        if one.name == WORK:
            return one.state
    return _NOTHING


class _NOTHING:
    """The state of a container that has no status yet."""

    running = terminated = waiting = None


def _lost(pod: Any) -> Reason | None:  # noqa: ANN401 - a V1Pod
    """Return why the pod was ended by something else than the work; None if it was not."""
    if pod.metadata.deletion_timestamp:
        return reason(pod, "DELETED") or Reason("PodDeleted", "the container's pod was deleted", over=True)
    found = reason(pod, "MODIFIED")
    return found if found and found.type in {"PodEvicted", "PodDeadline"} else None


def _is_final(pod: Any, found: Reason) -> bool:  # noqa: ANN401 - a V1Pod
    """Return whether the container cannot start any more; a first failed pull is retried by the kubelet."""
    statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
    waiting = {one.state.waiting.reason for one in statuses if one.state.waiting}
    return (
        found.over
        or found.type == "PodNotStarted"
        or (found.type == "ImageNotPulled" and "ErrImagePull" not in waiting)
    )
