"""Detect that the work ran out of memory: the kernel counts its OOM kills in the runner's control group (cgroup).

Runs in the runner. Without this count only a SIGKILL is visible, which any process may have sent.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from airflow_mcp_provider.errors import SubtaskError

OUT_OF_MEMORY = "OutOfMemory"
"""The first of the ``kinds`` of the error, for ``retries.never_on`` and ``only_on``."""
COUNTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Files of control groups in version 2 and 1, as seen in a container."""
_MI = 1 << 20
_NONE = 1 << 60
"""Without a limit, version 1 has a number near 2^63."""


def oom_kills() -> int:
    """Return the number of OOM kills in this container so far."""
    for path in COUNTS:
        with suppress(OSError, ValueError):
            counts = dict(line.split()[:2] for line in path.read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0


def with_oom_kill(error: SubtaskError, before: int) -> SubtaskError:
    """Return ``error``, changed to an OutOfMemory error if the number of OOM kills is higher than ``before``."""
    if oom_kills() <= before:
        return error
    message = f"the runner ran out of memory{_limit()}; {error.args[0]}"
    return SubtaskError(message, kinds=(OUT_OF_MEMORY, *error.kinds), trace=error.trace)


def _limit() -> str:
    for path in LIMITS:
        with suppress(OSError, ValueError):
            limit = int(path.read_text())
            return f" (its limit is {limit // _MI}Mi)" if limit < _NONE else ""
    return ""
