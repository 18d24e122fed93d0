"""Stop the work of a runner that is asked to end: softly if its run was cancelled, at once otherwise.

Called from a signal handler (``on_kill`` of an operator), so everything that waits is done in a thread. A cancelled run
has a grace: the work gets the signal of the soft time limit, may clean up, and is killed after it. Whoever else ends a
runner (a pod is taken away, its heartbeats were missing) must not wait: another runner may do the same work already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from airflow_mcp_provider.runtime import processes

ASKED_S = 2.0
"""Seconds to wait until the API server answers with the grace.

A runner asks only when its supervisor has not received a grace: its pod is deleted before the next heartbeat, or
the supervisor is that of another executor (``patience``).
"""
Grace = Callable[[], float]
"""Returns the seconds in which the work may clean up; any error of it counts as 0."""


@dataclass(frozen=True, slots=True)
class _Work:
    pid: int
    handles_soft: bool
    ended: threading.Event = field(default_factory=threading.Event)


_working: list[_Work] = []
_graces: list[Grace] = []


def ask_by(grace: Grace) -> None:
    """Ask for the grace like this, from now on; without it there is none."""
    _graces[:] = [grace]


@contextmanager
def stoppable(pid: int, *, handles_soft: bool) -> Iterator[None]:
    """While inside, the process ``pid`` is the work; ``handles_soft`` as in ``execute``."""
    work = _Work(pid, handles_soft)
    _working.append(work)
    try:
        yield
    finally:
        work.ended.set()
        _working.remove(work)


def stop() -> None:
    """Stop the work, and return at once."""
    threading.Thread(target=_stop, name="mcp-stop", daemon=True).start()


def _stop() -> None:
    seconds = _asked(_graces[0]) if _graces else 0.0
    if seconds and (work := next(iter(_working), None)):
        (processes.raise_soft_timeout if work.handles_soft else processes.terminate)(work.pid)
        work.ended.wait(seconds)
    processes.kill_all()


def _asked(grace: Grace) -> float:
    """Return the grace; 0 if the answer takes too long, for example because the API server is away."""
    answers: list[float] = []

    def ask() -> None:
        try:
            answers.append(grace())
        except Exception:  # noqa: BLE001 - whatever it is, the work is killed
            return

    asking = threading.Thread(target=ask, name="mcp-grace", daemon=True)
    asking.start()
    asking.join(ASKED_S)
    return answers[0] if answers else 0.0
