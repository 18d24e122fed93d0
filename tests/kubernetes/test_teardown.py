"""Of a cluster nothing is left on the machine: after its end, and after the death of its owner or of its guard."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.kubernetes.cluster import build, guard
from tests.kubernetes.cluster.images import BUSYBOX
from tests.kubernetes.cluster.node import KERNEL
from tests.kubernetes.pods import until
from tests.sizes import patient

ROOT = Path(__file__).parents[2]
# Where Kubernetes, network plugins and containerd write whatever they are told.
FOLDERS = (
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io",
    "/run/netns",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
# An owner of a cluster in which a pod runs; it tells the folder and its first process, and ends when it hears something.
OWNER = f"""
import sys
from tests.kubernetes.cluster import Cluster
with Cluster(keep="keep" in sys.argv) as cluster:
    cluster.kubectl("run", "some", "--image={BUSYBOX}", "--", "sleep", "1000")
    cluster.kubectl("wait", "pod/some", "--for=condition=Ready", "--timeout={patient(60):g}s")
    print(cluster.kubeconfig.parent, cluster._node.first, cluster._node.network.link, flush=True)
    input()
"""


class Traces:
    """What a cluster is on its machine, found by other means than its own."""

    def __init__(self, folder, first, link):
        self.folder = Path(folder)
        self.link = Path("/sys/class/net", link).resolve()
        self.index = (self.link / "ifindex").read_text()
        self.spaces = set(_spaces(first))

    def processes(self):
        return [pid for pid in psutil.pids() if self.spaces & set(_spaces(pid))] + _naming(self.folder)

    def groups(self):
        root = Path("/sys/fs/cgroup")
        return [str(path) for pattern in ("{}", "*/{}") for path in root.glob(pattern.format(self.folder.name))]

    def links(self):
        with suppress(OSError):
            return [self.link] if (self.link / "ifindex").read_text() == self.index else []
        return []

    def folders(self):
        return [self.folder] if self.folder.exists() else []

    def all(self):
        return {
            "processes": self.processes(),
            "groups": self.groups(),
            "links": self.links(),
            "folders": self.folders(),
        }

    def gone(self):
        return not any(self.all().values())


def _spaces(pid):
    with suppress(OSError):
        return [Path(f"/proc/{pid}/ns/{kind}").readlink() for kind in ("mnt", "net", "pid")]
    return []


def _naming(folder):
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found += [process.pid] if str(folder) in " ".join(process.cmdline()) else []
    return found


def machine():
    """What a cluster could change in the machine itself."""
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return {
        "mounts": [line for line in Path("/proc/self/mounts").read_text().splitlines() if _kubernetes(line)],
        "rules": [line for line in rules.splitlines() if _kubernetes(line)],
        "folders": {folder: sorted(map(str, Path(folder).rglob("*"))) for folder in FOLDERS},
        "kernel": {name: Path("/proc/sys", name).read_text() for name in KERNEL},
    }


def _kubernetes(line):
    return any(word in line for word in (guard.PREFIX, "kube", "KUBE", "cni", "CNI"))


@pytest.fixture
def untouched():
    return machine()


@pytest.fixture
def owner(cluster, untouched):  # the cluster: for its reasons to skip
    with started() as process:
        yield process
        process.kill()


def started(*arguments):
    command = [sys.executable, "-c", OWNER, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def leave(owner, traces):
    owner.stdin.write("\n")
    owner.stdin.close()


def kill_owner(owner, traces):
    owner.kill()


def kill_guard(owner, traces):
    os.kill(int(traces.folder.name.removeprefix(guard.PREFIX)), signal.SIGKILL)
    owner.kill()
    until(lambda: not traces.processes(), lambda: f"left: {traces.all()}")
    guard.sweep()  # as the next cluster does


@pytest.mark.parametrize("end", [leave, kill_owner, kill_guard])
def test_nothing_is_left(untouched, owner, end):
    traces = Traces(*owner.stdout.readline().split())
    # What is looked for can be seen while it is there: the node's programs, a pod's, our own; cable, folder.
    assert len(traces.processes()) > 10
    assert traces.groups()
    assert traces.links()
    assert traces.folders()

    end(owner, traces)
    until(traces.gone, lambda: f"left: {traces.all()}")
    assert machine() == untouched


def test_a_cluster_for_people_outlives_the_one_who_started_it(untouched, cluster):
    cluster.log("kubelet")  # else none of our own is wanted
    with started("keep") as owner:
        traces = Traces(*owner.stdout.readline().split())
        owner.communicate("\n")
    assert owner.returncode == 0
    assert traces.folder in guard.kept()
    assert "Ready" in subprocess.check_output(
        [build.kubernetes() / "kubectl", "--kubeconfig", traces.folder / "admin.kubeconfig", "get", "nodes"], text=True
    )

    guard.end(traces.folder)
    until(traces.gone, lambda: f"left: {traces.all()}")
    assert traces.folder not in guard.kept()
    assert machine() == untouched
