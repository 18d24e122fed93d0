"""What a test can do with any cluster: whether we started it or MCP_TEST_KUBECONFIG leads to it."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from kubernetes import client, config
from kubernetes.client.rest import ApiException
from urllib3.exceptions import HTTPError

from tests.kubernetes.cluster.packages import program
from tests.sizes import patient

READY = 120.0  # seconds until a node must be ready; it needs 10 on two idle cores


@dataclass
class Reached:
    """A cluster that a kubeconfig leads to; ``host`` is this machine's address as its pods see it."""

    kubeconfig: Path
    host: str

    def client(self) -> client.CoreV1Api:
        """Give a client of the cluster's API, as its administrator; its ``api_client`` makes those of other groups."""
        return client.CoreV1Api(config.new_client_from_config(str(self.kubeconfig)))

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl with ``given`` as its standard input, and give what it says."""
        command = [self._program(), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, input=given)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)} ended with code {done.returncode}:\n{done.stderr}")
        return done.stdout

    def _program(self) -> str:
        return program("kubectl")


def eventually(what: str, holds: Callable[[], object], check: Callable[[], None], seconds: float = READY) -> None:
    """Wait until the API says something; ``check`` raises when waiting has become pointless."""
    deadline = time.monotonic() + patient(seconds)
    while not _asked(holds):
        check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.1)


def _asked(holds: Callable[[], object]) -> bool:
    try:
        return bool(holds())
    except (ApiException, HTTPError, OSError):  # not there yet, or away
        return False


def answers(host: str, port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.create_connection((host, port), timeout=5):
        return True


def healthy(url: str) -> bool:
    """Tell whether a program says that it does its work."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - an address of our own
        return bool(answer.status == HTTPStatus.OK)


def ready(core: client.CoreV1Api) -> bool:
    """Tell whether every node is ready, and pods can be made in the default namespace."""
    nodes = core.list_node().items
    core.read_namespaced_service_account("default", "default")
    return bool(nodes) and all(
        condition.status == "True"
        for node in nodes
        for condition in node.status.conditions
        if condition.type == "Ready"
    )
