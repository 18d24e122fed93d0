"""Pods of the tests: made, watched and gone, in a namespace of each test's own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes import client  # type: ignore[import-untyped]
from kubernetes.client.rest import ApiException  # type: ignore[import-untyped]

from tests.kubernetes.cluster.images import BUSYBOX
from tests.sizes import patient

SOON = 60.0  # seconds that a pod may take for anything: a start needs 1 where nothing else runs


@dataclass
class Pods:
    """The pods of one namespace."""

    core: client.CoreV1Api
    namespace: str

    def run(self, name: str, command: str, *, grace: int = 1, container: Any = None, **spec: Any) -> None:
        """Start a pod with one container, which runs a line of shell; ``container`` and ``spec`` are added as given."""
        own = {"name": "main", "image": BUSYBOX, "imagePullPolicy": "Never", "command": ["sh", "-ec", command]}
        body = {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": grace,
                **spec,
                "containers": [{**own, **(container or {})}],
            },
        }
        self.core.create_namespaced_pod(self.namespace, body)

    def get(self, name: str) -> client.V1Pod | None:
        """Give a pod, or nothing when it is gone."""
        try:
            return self.core.read_namespaced_pod(name, self.namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    def phase(self, name: str) -> str:
        """Tell where a pod is in its life; ``Gone`` is ours."""
        pod = self.get(name)
        return str(pod.status.phase) if pod else "Gone"

    def wait(self, name: str, *phases: str) -> client.V1Pod | None:
        """Wait until a pod is in one of some phases, and give it."""
        until(lambda: self.phase(name) in phases, lambda: f"{name} is {self.phase(name)}, not {phases}")
        return self.get(name)

    def ended(self, name: str) -> client.V1ContainerStateTerminated:
        """Wait until a pod has ended, and tell how its container did."""
        pod = self.wait(name, "Succeeded", "Failed")
        return pod.status.container_statuses[0].state.terminated if pod else None

    def log(self, name: str) -> str:
        """Give what a pod has said."""
        # Decoded by itself, the client gives the representation of bytes.
        answer = self.core.read_namespaced_pod_log(name, self.namespace, _preload_content=False)
        return str(answer.data.decode())


@contextmanager
def namespace(core: client.CoreV1Api) -> Iterator[Pods]:
    """Make a namespace; pods run in it as soon as it has a service account."""
    name = f"test-{secrets.token_hex(4)}"
    core.create_namespace({"metadata": {"name": name}})
    until(lambda: core.list_namespaced_service_account(name).items, lambda: f"{name} gets no service account")
    try:
        yield Pods(core, name)
    finally:
        core.delete_namespace(name)


def until(holds: Callable[[], object], tell: Callable[[], str], seconds: float = SOON) -> None:
    """Wait until something holds, or fail with what is told then."""
    deadline = time.monotonic() + patient(seconds)
    while not holds():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.1)
