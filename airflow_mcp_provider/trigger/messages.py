"""What the triggerer and the process that forks checks exchange: one JSON object in each line.

Runs in the triggerer and in ``forkserver``; imports nothing of Airflow.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MOST_BYTES = 65_536
"""The limit of a check's result, and of what it prints; a check that exceeds it is killed."""
Ended = Literal["exited", "timeout", "output"]


class Request(Struct, frozen=True, kw_only=True):
    """A check to run: ``python`` (a reference) or ``command`` is set. ``timeout`` is seconds.

    ``folders`` are appended to Python's module search path; the first one is the working directory.
    """

    id: int
    python: str | None = None
    command: tuple[str, ...] | None = None
    timeout: float
    folders: tuple[str, ...] = ()


class Reply(Struct, frozen=True, kw_only=True):
    """How a check ended: ``code`` is its exit code, or a negative signal number.

    ``result`` is what a function returned, as JSON, or the stdout of a command; ``log`` is what it printed otherwise.
    ``ended``: ``timeout`` and ``output`` when it was killed at that limit.
    """

    id: int
    code: int
    result: str
    log: str
    ended: Ended = "exited"
