"""A real Kubernetes of one node on this machine, started by its owner and gone with it.

with Cluster() as cluster:
    cluster.load_image(Path("image.tar"))
    cluster.client().list_namespaced_pod("default")
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kubernetes.cluster import build, credentials, images, packages, settings
from tests.kubernetes.cluster.node import Node
from tests.kubernetes.cluster.reached import Reached, answers, eventually, healthy, ready

API_SERVER = "kube-apiserver"
ROLES = Path(__file__).parent / "roles.yaml"  # what the name server may read
# The kubelet waits for an API server longer than that one needs: started before it, it would be ready later.
AFTER_API_SERVER = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "witness")


def prepare() -> Path:
    """Install and build what is missing, which takes minutes on a machine that has never done it."""
    packages.install()
    return build.kubernetes()


@dataclass
class Cluster(Reached):
    """Kubernetes with containerd, services and names, as a context manager.

    ``keep`` lets it outlive this process: ``guard.end`` ends it.
    """

    keep: bool = False
    kubeconfig: Path = field(init=False)
    host: str = field(init=False)
    _node: Node = field(init=False, repr=False)
    _kubernetes: Path = field(init=False, repr=False)
    _commands: Mapping[str, Sequence[str]] = field(init=False, repr=False)

    def __enter__(self) -> Self:
        """Start everything, or end what has started."""
        self._kubernetes = prepare()
        self._node = Node.make(keep=self.keep)
        try:
            self._start()
        except BaseException:
            self._node.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything, and wait until nothing is left."""
        if error or not self.keep:
            self._node.end()

    def _start(self) -> None:
        node = self._node
        self.host = str(node.network.host)
        self.kubeconfig = node.folder / f"{credentials.ADMIN}.kubeconfig"
        _no_proxy(str(node.network.node), self.host)
        settings.write(node)
        self._commands = settings.commands(node, self._kubernetes / "kubernetes")
        for name in ("containerd", "etcd", API_SERVER):
            self._run(name)
        self._load_own_images()
        self.wait_for_api()
        for name in AFTER_API_SERVER:
            self._run(name)
        self.kubectl("apply", "-f", str(ROLES))
        self.wait()

    def _run(self, name: str) -> None:
        self._node.start(name, *self._commands[name])

    def _load_own_images(self) -> None:
        eventually("an answer of containerd", (self._node.folder / settings.SOCKET).exists, self._node.check)
        tar = self._node.folder / "small.tar"
        images.small(tar)
        self.load_image(tar)

    def load_image(self, tar: Path) -> None:
        """Give the node an image: what `docker save` writes, or ``images.archive``."""
        self._containers("images", "import", str(tar))

    def _containers(self, *arguments: str) -> str:
        socket = str(self._node.folder / settings.SOCKET)
        return self._node.run(packages.program("ctr"), "--address", socket, "--namespace", "k8s.io", *arguments)

    def stop(self, name: str) -> None:
        """End a program of the node ("kubelet", "kube-apiserver" …); containers run on."""
        self._node.stop(name)

    def start(self, name: str) -> None:
        """Start a program again that was stopped; the API server is waited for."""
        self._run(name)
        if name == API_SERVER:
            self.wait_for_api()

    def log(self, name: str) -> str:
        """Give what a program has said."""
        return self._node.log(name).read_text("utf-8", "replace")

    def kill_container(self, pod: str, namespace: str = "default", container: int = 0) -> None:
        """SIGKILL the first process of a pod's container, as the kernel does when memory runs out.

        Raises ProcessLookupError when it has ended, or has not begun.
        """
        statuses = self.client().read_namespaced_pod(pod, namespace).status.container_statuses or []
        wanted = [(status.container_id or "").removeprefix("containerd://") for status in statuses][container:][:1]
        tasks = (line.split() for line in self._containers("tasks", "list").splitlines())
        if (process := next((task[1] for task in tasks if task[0] in wanted), None)) is None:
            raise ProcessLookupError(f"container {container} of the pod {pod} does not run")
        self._node.kill(int(process))

    def wait(self) -> None:
        """Wait until pods can run, and reach services by their names."""
        core, node = self.client(), str(self._node.network.node)
        eventually("a ready node", lambda: ready(core), self._node.check)
        eventually("a name server", lambda: answers(node, settings.NAMES), self._node.check)
        eventually("services", lambda: healthy(f"http://{node}:{settings.SERVICES}/healthz"), self._node.check)

    def wait_for_api(self) -> None:
        """Wait until the API server has made its roles: a program that asks before is refused, and sleeps seconds."""
        api = self.client().api_client
        eventually("an API server", lambda: api.call_api("/readyz", "GET", response_types_map={}), self._node.check)

    def _program(self) -> str:
        return str(self._kubernetes / "kubectl")


def _no_proxy(*addresses: str) -> None:
    """Let no client of this process, or of what it starts, look for the cluster behind the user's proxy."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), *addresses)))
