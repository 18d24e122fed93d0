"""What a node needs of the system: looked for as programs, installed by apt where it is missing.

By program and not by package, because a machine with Docker has containerd in a package of another name, which apt
would remove for ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.kubernetes.cluster.unavailable import Unavailable

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"
PROGRAMS = {
    "busybox": "busybox-static",
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nsenter": "util-linux",
    "runc": "runc",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))


def install() -> None:
    """Install what is missing, or say that it cannot be."""
    if os.geteuid() != 0:
        raise Unavailable("a node of Kubernetes needs root: mounts, network and process namespaces, control groups")
    if missing := _missing():
        apt = shutil.which("apt-get")
        if apt is None:
            raise Unavailable(
                f"a node of Kubernetes needs {', '.join(missing)}, and there is no apt-get to install them"
            )
        _apt(apt, "update")
        _apt(apt, "install", "--yes", "--no-install-recommends", *missing)


def installed(name: str) -> str:
    """Give the path of one of PROGRAMS, which is installed where it is missing."""
    if shutil.which(name, path=PATH) is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        _apt(apt, "update")
        _apt(apt, "install", "--yes", "--no-install-recommends", PROGRAMS[name])
    return program(name)


def program(name: str) -> str:
    """Give a program's path; system programs are found where PATH leaves them out."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise Unavailable(f"there is no program {name} on this machine")
    return found


def plugins() -> Path:
    """Give the folder of the network plugins."""
    return next((folder for folder in PLUGINS if (folder / "ptp").exists()), PLUGINS[0])


def _missing() -> list[str]:
    packages = {package for name, package in PROGRAMS.items() if shutil.which(name, path=PATH) is None}
    if not (plugins() / "ptp").exists():
        packages.add("containernetworking-plugins")
    return sorted(packages)


def _apt(apt: str, *arguments: str) -> None:
    # Another apt may run, as it does on a machine that has just started.
    command = [apt, "-q", "-o", "DPkg::Lock::Timeout=300", *arguments]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    )
    if done.returncode:
        raise Unavailable(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
