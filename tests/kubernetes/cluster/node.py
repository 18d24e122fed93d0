"""The machine that a cluster believes it runs on: namespaces of this one, with files and addresses of their own.

Host paths are the same inside and outside, but for ``/run``, ``/var/lib`` and ``/var/log``, to which Kubernetes, its
network plugins and containerd write whatever one tells them.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.kubernetes.cluster import groups, guard
from tests.kubernetes.cluster.network import Network, connect
from tests.kubernetes.cluster.packages import PATH, program
from tests.kubernetes.cluster.unavailable import Unavailable

# What the kubelet sets, for the whole machine and for good, when it finds something else: so it finds this.
KERNEL = {
    "kernel/keys/root_maxbytes": 25_000_000,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
}
# No setting of the user reaches the programs, least of all a proxy.
ENVIRONMENT = {"PATH": PATH, "HOME": "/root"}
GRACE = 3.0  # seconds between SIGTERM and SIGKILL: the API server waits for its clients much longer

# Whatever is written below a folder of this machine goes to memory, and is gone with the namespace.
COVER = """
mkdir -p /run/over{folder} /run/work{folder}
mount -t overlay overlay -o lowerdir={folder},upperdir=/run/over{folder},workdir=/run/work{folder} {folder}
"""
FILES = "mount -t tmpfs -o mode=755 tmpfs /run\n" + COVER.format(folder="/var/lib") + COVER.format(folder="/var/log")
SETTING = """
mkdir -p $(dirname /run/sys/{name}) && echo {value} > /run/sys/{name}
mount --bind /run/sys/{name} /proc/sys/{name}
"""
ADDRESSES = """
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up
ip address add {node}/30 dev node
ip link set node up
"""


@dataclass
class Node:
    """The namespaces of a cluster, and the programs that run in them."""

    folder: Path
    first: int
    _guard: subprocess.Popen[str]
    network: Network = field(init=False)
    _programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def make(cls, *, keep: bool = False) -> Node:
        """Make the namespaces; ``keep`` lets them outlive this process."""
        guard.sweep()
        process = subprocess.Popen(
            [sys.executable, "-I", guard.__file__, *([guard.KEEP] if keep else [])],
            stdin=subprocess.DEVNULL if keep else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
        )
        answer = process.stdout.readline().split() if process.stdout else []
        if not answer:
            raise Unavailable(
                f"a node needs namespaces of its own, which this root may not make: {process.communicate()[1]}"
            )
        node = cls(Path(answer[1]), int(answer[0]), process)
        try:
            node._furnish()
        except BaseException:
            node.end()
            raise
        return node

    def _furnish(self) -> None:
        self.network = connect(self.first)
        (self.folder / guard.LINK).write_text(self.network.link)
        groups.make(self.folder.name)
        settings = "".join(SETTING.format(name=name, value=value) for name, value in KERNEL.items())
        self.run("sh", "-ec", FILES + settings + ADDRESSES.format(node=self.network.node))

    def run(self, *command: str) -> str:
        """Run a program in the node, and give what it says."""
        done = subprocess.run(self._inside(*command), check=False, capture_output=True, text=True, env=ENVIRONMENT)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def kill(self, process: int) -> None:
        """SIGKILL a process of the node; raises ProcessLookupError when it has ended."""
        try:
            self.run("kill", "-KILL", str(process))
        except RuntimeError as error:
            if "No such process" in str(error):
                raise ProcessLookupError(f"the process {process} has ended") from None
            raise

    def start(self, name: str, *command: str) -> None:
        """Start a program in the node that stays."""
        with self.log(name).open("ab") as log:
            self._programs[name] = subprocess.Popen(
                self._inside(*command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                start_new_session=True,
            )

    def stop(self, name: str) -> None:
        """End a program; what it has started goes on, as when a daemon of a real node is stopped."""
        waits = self._programs.pop(name)
        for process in psutil.Process(waits.pid).children():  # nsenter waits for the program itself
            process.terminate()
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(GRACE)
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        waits.wait()

    def check(self) -> None:
        """Raise when a program has ended by itself."""
        for name, process in self._programs.items():
            if (code := process.poll()) is not None:
                tail = self.log(name).read_text("utf-8", "replace").splitlines()[-20:]
                raise RuntimeError(f"{name} ended with code {code}:\n" + "\n".join(tail))

    def log(self, name: str) -> Path:
        """Tell where a program's output goes."""
        return self.folder / f"{name}.log"

    def end(self) -> None:
        """End everything in the node, and wait until nothing is left of it."""
        if self._guard.stdin is None:
            self._guard.terminate()
        self._guard.communicate()  # closes its stdin, if it has one, and waits
        for process in self._programs.values():
            process.wait()

    def _inside(self, *command: str) -> list[str]:
        return [program("nsenter"), "--target", str(self.first), "--mount", "--net", "--pid", "--", *command]
