"""Whether the work's memory ran out: the kernel counts whom it kills for that, in the runner's control group.

Runs in the runner. Without it, all that is known is a SIGKILL, which anybody may have sent.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from airflow_mcp_provider.errors import SubtaskError

OUT_OF_MEMORY = "OutOfMemory"
"""First of the ``kinds`` of the error; what ``retries.never_on`` and ``only_on`` may name."""
COUNTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of control groups in version 2 and 1, as a container sees its own."""
_MI = 1 << 20
_NONE = 1 << 60
"""Version 1 says "no limit" with a number near 2^63."""


def kills() -> int:
    """Return how many processes of this container were killed so far because its memory ran out."""
    for path in COUNTS:
        with suppress(OSError, ValueError):
            counts = dict(line.split()[:2] for line in path.read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0


def explained(error: SubtaskError, before: int) -> SubtaskError:
    """Return ``error``, as one of memory when the kernel has killed for that since it had ``before`` kills."""
    if kills() <= before:
        return error
    told = f"the memory of the runner ran out{_limit()}; {error.args[0]}"
    return SubtaskError(told, kinds=(OUT_OF_MEMORY, *error.kinds), trace=error.trace)


def _limit() -> str:
    for path in LIMITS:
        with suppress(OSError, ValueError):
            limit = int(path.read_text())
            return f" (its limit is {limit // _MI}Mi)" if limit < _NONE else ""
    return ""
