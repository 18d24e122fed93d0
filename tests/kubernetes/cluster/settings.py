"""What the programs of a node are told: files and arguments.

Runs in the owner of a cluster, before anything is started.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from tests.kubernetes.cluster import credentials, witness
from tests.kubernetes.cluster.images import PAUSE
from tests.kubernetes.cluster.node import Node
from tests.kubernetes.cluster.packages import plugins, program

CONF = Path(__file__).parent / "conf"
PORT = 6443  # the API server's
SOCKET = "containerd.sock"
NAMES = 53  # the name server's port, open when it knows all services
SERVICES = 10256  # kube-proxy's port of health
ETCD = "http://127.0.0.1:2379"  # the node's own loopback, not this machine's
GONE = 10  # seconds of silence after which a node counts as gone (50 by default)
TOLERATION = 15  # seconds that pods stay bound to a node that is gone (300 by default)


def write(node: Node) -> None:
    """Write configuration, certificates and kubeconfigs into the node's folder."""
    network = node.network
    values = {
        "folder": node.folder,
        "group": node.folder.name,
        "node": network.node,
        "pause": PAUSE,
        "plugins": plugins(),
        "pods": network.pods,
    }
    for source in CONF.iterdir():
        target = node.folder / ("network" if source.suffix == ".conflist" else "") / source.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(Template(source.read_text()).substitute(values))
    credentials.write(node.folder, f"https://{network.node}:{PORT}", (network.node, network.services[1]))


def commands(node: Node, kubernetes: Path) -> Mapping[str, Sequence[str]]:
    """Give the command of each program."""
    arguments = {
        "etcd": _etcd(node.folder),
        "kube-apiserver": _apiserver(node),
        "kube-controller-manager": _controllers(node.folder),
        "kube-scheduler": (f"--kubeconfig={node.folder}/kube-scheduler.kubeconfig", "--leader-elect=false"),
        "kubelet": _kubelet(node),
        "kube-proxy": (f"--config={node.folder}/kube-proxy.yaml", "--hostname-override=node"),
        "coredns": ("-conf", f"{node.folder}/Corefile"),
    }
    containerd = (program("containerd"), f"--config={node.folder}/containerd.toml", "--log-level=warn")
    witnessing = (sys.executable, "-I", witness.__file__, f"https://{node.network.node}:{PORT}", str(node.folder))
    return {
        "containerd": containerd,
        "witness": witnessing,
        **{name: (str(kubernetes), name, *given) for name, given in arguments.items()},
    }


def _etcd(folder: Path) -> Sequence[str]:
    return (
        f"--data-dir={folder}/etcd",
        f"--advertise-client-urls={ETCD}",
        f"--listen-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--log-level=warn",
        "--unsafe-no-fsync",  # what a crash of the machine loses is lost with the cluster
    )


def _apiserver(node: Node) -> Sequence[str]:
    folder, server = node.folder, credentials.SERVER
    return (
        f"--etcd-servers={ETCD}",
        f"--bind-address={node.network.node}",
        f"--secure-port={PORT}",
        f"--advertise-address={node.network.node}",
        f"--service-cluster-ip-range={node.network.services}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--default-not-ready-toleration-seconds={TOLERATION}",
        f"--default-unreachable-toleration-seconds={TOLERATION}",
        f"--client-ca-file={folder}/ca.crt",
        f"--tls-cert-file={folder}/{server}.crt",
        f"--tls-private-key-file={folder}/{server}.key",
        f"--kubelet-client-certificate={folder}/{credentials.ADMIN}.crt",
        f"--kubelet-client-key={folder}/{credentials.ADMIN}.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder}/{credentials.TOKENS}.pub",
        f"--service-account-signing-key-file={folder}/{credentials.TOKENS}.key",
    )


def _controllers(folder: Path) -> Sequence[str]:
    return (
        f"--kubeconfig={folder}/kube-controller-manager.kubeconfig",
        "--leader-elect=false",
        f"--node-monitor-grace-period={GONE}s",
        "--node-monitor-period=1s",
        f"--root-ca-file={folder}/ca.crt",
        f"--service-account-private-key-file={folder}/{credentials.TOKENS}.key",
        "--use-service-account-credentials",
    )


def _kubelet(node: Node) -> Sequence[str]:
    return (
        f"--config={node.folder}/kubelet.yaml",
        f"--kubeconfig={node.folder}/kubelet.kubeconfig",
        f"--root-dir={node.folder}/kubelet",
        f"--cert-dir={node.folder}/kubelet",
        "--hostname-override=node",
        f"--node-ip={node.network.node}",
    )
