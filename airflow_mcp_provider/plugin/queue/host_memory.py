"""``queue.memory``: no run starts while the host has less available memory.

Runs in the scheduler, and looks at the scheduler's own host: that is where a LocalExecutor runs the tasks.
"""

from __future__ import annotations

from pathlib import Path

import psutil

from airflow_mcp_provider.runtime.quantity import number

CGROUP = Path("/sys/fs/cgroup")
MEBIBYTE = 1024 * 1024


def too_little(wanted: str | None, cgroup: Path = CGROUP) -> str | None:
    """Return why no run may start; None if there is enough memory, or ``wanted`` (a quantity) is None."""
    if wanted is None or (free := available(cgroup)) >= number(wanted):
        return None
    return f"{free // MEBIBYTE}Mi of memory are available on the host, and queue.memory is {wanted}"


def available(cgroup: Path = CGROUP) -> int:
    """Return the available memory of the host, or of this process's container if that has less, in bytes.

    A container's usage contains the page cache of files; the part of it that is not used lately is given up when memory
    is needed, and so is not counted, as in Kubernetes' "working set".
    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    """
    host = int(psutil.virtual_memory().available)
    try:
        limit, used, stat = ((cgroup / f"memory.{name}").read_text() for name in ("max", "current", "stat"))
    except OSError:  # the root of the tree, or cgroup v1
        return host
    if limit.strip() == "max":
        return host
    return min(host, max(0, int(limit) - max(0, int(used) - _inactive_file(stat))))


def _inactive_file(stat: str) -> int:
    found = dict(line.split(" ", 1) for line in stat.splitlines() if " " in line)
    return int(found.get("inactive_file", 0))
