"""SIGKILL of runners that are pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kubernetes.client import ApiException

from airflow_mcp_provider.plugin.pods.identity import INSTANCE
from tests.integration.templates.killer import Killer
from tests.kubernetes.runners import NAMESPACE


@dataclass
class PodKiller(Killer):
    """Kills the first process of pods, as the kernel does when memory runs out."""

    cluster: Any = None
    listed: Any = None

    def runners(self) -> Iterator[tuple[str, Callable[[], object]]]:
        for pod in self.listed():
            if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp:
                name = pod.metadata.name
                yield pod.metadata.annotations[INSTANCE], lambda name=name: self._kill(name)

    def _kill(self, name: str) -> None:
        try:
            self.cluster.kill_container(name, NAMESPACE)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise ProcessLookupError(f"the pod {name} is gone") from None


class Listed:
    """The pods, as they were a moment ago at most: every killer asks."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._until, self._pods = 0.0, []

    def __call__(self) -> list[Any]:
        with self._lock:
            if time.monotonic() > self._until:
                self._pods = self._core.list_namespaced_pod(NAMESPACE).items
                self._until = time.monotonic() + 0.2
            return self._pods
