"""A cluster that somebody gives the tests by their environment: kind, k3s, a cloud's.

===========================  =======================================================================================
``MCP_TEST_KUBECONFIG``      The file that leads to it, as its administrator. Tests make namespaces of their own in it.
``MCP_TEST_HOST``            This machine's address as its pods see it: Airflow's API server listens there during the
                             tests. For kind the gateway of its network:
                             ``docker network inspect kind --format '{{(index .IPAM.Config 0).Gateway}}'``.
``MCP_TEST_LOAD_IMAGE``      The command that gives its nodes an image; it is run with the path of a tar added, which is
                             what ``docker save`` writes. kind: ``kind load image-archive``; k3s: ``k3s ctr images
                             import``. Pods name these images with ``imagePullPolicy: Never`` or ``IfNotPresent``.
===========================  =======================================================================================

Tests that stop a program of the node, or kill a process in it, are skipped: they need a cluster of our own.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from tests.kubernetes.cluster import images
from tests.kubernetes.cluster.reached import Reached
from tests.kubernetes.cluster.unavailable import Unavailable

KUBECONFIG, HOST, LOAD = "MCP_TEST_KUBECONFIG", "MCP_TEST_HOST", "MCP_TEST_LOAD_IMAGE"


class Given(Reached):
    """The cluster that the environment tells of; it was there before us, and stays."""

    @classmethod
    def from_environment(cls) -> Given | None:
        """Give it, where there is one."""
        path = os.environ.get(KUBECONFIG)
        if not path:
            return None
        missing = [name for name in (HOST, LOAD) if not os.environ.get(name)]
        if missing:
            raise ValueError(f"{KUBECONFIG} is set, {' and '.join(missing)} must be, too: see {__file__}")
        return cls(Path(path), os.environ[HOST])

    def __enter__(self) -> Self:
        """Give it the images that every test may use."""
        with tempfile.TemporaryDirectory() as folder:
            tar = Path(folder, "small.tar")
            images.small(tar)
            self.load_image(tar)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it alone."""

    def load_image(self, tar: Path) -> None:
        """Give the nodes an image."""
        subprocess.run([*shlex.split(os.environ[LOAD]), str(tar)], check=True)

    def stop(self, name: str) -> NoReturn:
        """Refuse: it is not ours."""
        raise Unavailable(f"{name} of a given cluster is not stopped: unset {KUBECONFIG} for a cluster of our own")

    start = stop
    log = stop

    def kill_container(self, pod: str, namespace: str = "default", container: int = 0) -> NoReturn:
        """Refuse: its nodes are elsewhere."""
        raise Unavailable(
            f"no process of {namespace}/{pod}, container {container}, is within reach: unset {KUBECONFIG}"
        )
