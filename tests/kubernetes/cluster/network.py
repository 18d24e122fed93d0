"""The addresses of a cluster, and the cable between it and this machine.

The cluster's network namespace hangs on this machine by one pair of virtual interfaces. Pods reach this machine at
``host``, and nothing behind it; this machine reaches the node, the pods and the services.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from tests.kubernetes.cluster.packages import program

# For benchmarks of networks (RFC 2544), routed nowhere: no machine is reached by these addresses.
RANGE = IPv4Network("198.18.0.0/15")


@dataclass(frozen=True)
class Network:
    """The addresses of the cluster ``number`` of this machine: several may run at once."""

    number: int

    @property
    def everything(self) -> IPv4Network:
        """What this machine routes to the cluster."""
        return list(RANGE.subnets(new_prefix=20))[self.number]

    @property
    def host(self) -> IPv4Address:
        """This machine, as pods see it."""
        return self.everything[1]

    @property
    def node(self) -> IPv4Address:
        """The node: the API server, the kubelet and the name server listen here."""
        return self.everything[2]

    @property
    def pods(self) -> IPv4Network:
        """The addresses of pods."""
        return list(self.everything.subnets(new_prefix=22))[1]

    @property
    def services(self) -> IPv4Network:
        """The addresses of services; the first is the API server's."""
        return list(self.everything.subnets(new_prefix=22))[2]

    @property
    def link(self) -> str:
        """This machine's end of the cable."""
        return f"mcp{self.number}"


def connect(first: int) -> Network:
    """Lay a cable into the namespace of the process ``first``; take the first number that nobody has."""
    for number in range(2 ** (20 - RANGE.prefixlen)):
        network = Network(number)
        # Making an interface fails when its name is taken: no two processes get the same number.
        if _ip(f"link add {network.link} type veth peer name node netns {first}", check=False):
            _ip(f"address add {network.host}/30 dev {network.link}")
            _ip(f"link set {network.link} up")
            _ip(f"route add {network.everything} via {network.node} dev {network.link}")
            return network
    raise RuntimeError(f"no number is free for another cluster: see `ip link`, interfaces {Network(0).link} …")


def _ip(arguments: str, *, check: bool = True) -> bool:
    command = [program("ip"), *arguments.split()]
    return subprocess.run(command, check=check, capture_output=not check).returncode == 0
