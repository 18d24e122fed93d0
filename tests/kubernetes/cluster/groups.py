"""The control group that all pods of a cluster are in, so that a real kubelet of this machine keeps its own.

``guard.py`` removes it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "hugetlb", "io", "memory", "pids")


def make(name: str) -> None:
    """Make the group, in each hierarchy of version 1, or with every controller of version 2."""
    if (ROOT / "cgroup.controllers").exists():
        _delegate(ROOT)
        (ROOT / name).mkdir()
    else:
        for hierarchy in (folder for folder in ROOT.iterdir() if not folder.is_symlink()):
            (hierarchy / name).mkdir()


def _delegate(group: Path) -> None:
    for controller in CONTROLLERS:
        with contextlib.suppress(OSError):  # one that this kernel does not have
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
