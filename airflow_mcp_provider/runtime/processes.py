"""Watch the processes of the work, and kill all of them at the time limit.

Runs in the runner. The work runs in a session of its own below this process, so a hard time limit does not depend on
it: the work cannot block SIGKILL, and no Python code of the work has to run.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

SOFT = getattr(signal, "SIGRTMIN", signal.SIGUSR2)
"""The signal that raises SoftTimeout in a function; SIGALRM is used by libraries."""
_MOST_ROUNDS = 1_000
"""Limits the attempts on a process that cannot be killed; each waits up to a second for the others."""
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
"""From Linux's <sys/prctl.h>."""

_sparing = threading.Lock()
_spared: set[int] = set()
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Have the kernel kill this child when its parent dies, so that no work runs beside its retry."""
    if _libc is not None:
        _libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of orphaned descendants (child subreaper), so that ``kill_all`` finds daemons."""
    if _libc is not None:
        _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants() -> frozenset[psutil.Process]:
    """Return all descendants of this process."""
    return frozenset() if _childless() else frozenset(psutil.Process().children(recursive=True))


def _childless() -> bool:
    """Return whether there are no children; much faster than psutil, which reads every process of the machine."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    except AttributeError:  # macOS, before Python 3.13
        return False
    return False


def is_descendant(pid: int) -> bool:
    """Return whether ``pid`` is this process or one of its descendants."""
    own = os.getpid()
    with suppress(psutil.Error):
        return pid == own or any(one.pid == own for one in psutil.Process(pid).parents())
    return False


@contextmanager
def sparing() -> Iterator[set[int]]:
    """Change, while ``kill_all`` kills none, the sessions that it leaves: of children that clean up after the work."""
    with _sparing:
        yield _spared


def kill_all(keep: frozenset[psutil.Process] = frozenset()) -> None:
    """Kill all descendants of this process except ``keep`` and ``sparing``, including those that start meanwhile."""
    for _ in range(_MOST_ROUNDS):
        if not (children := _kill(keep)):
            return
        gone, _ = psutil.wait_procs(children, timeout=1)
        if len(gone) == len(children):
            _reap()


def _kill(keep: frozenset[psutil.Process]) -> frozenset[psutil.Process]:
    with _sparing:
        children = frozenset(one for one in descendants() - keep if _session(one.pid) not in _spared)
        for child in children:
            with suppress(psutil.Error):  # gone, or of another user (sudo)
                child.kill()
    return children


def _session(pid: int) -> int | None:
    with suppress(OSError):  # gone
        return os.getsid(pid)
    return None


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def terminate(pid: int) -> None:
    """Send SIGTERM to all processes of the work's session."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)


def raise_soft_timeout(pid: int) -> None:
    """Raise SoftTimeout in the forked work, by a signal."""
    with suppress(ProcessLookupError):
        os.kill(pid, SOFT)


def wait(pid: int, seconds: float | None) -> int | None:
    """Wait for a child; returns its exit code, a negative signal number, or None after ``seconds``."""
    if not _ended(pid, seconds):
        return None
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:  # killed and reaped by kill_all, on cancel
        return -signal.SIGKILL


def _ended(pid: int, seconds: float | None) -> bool:
    if not hasattr(os, "pidfd_open"):
        return _ended_by_polling(pid, seconds)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return is_readable(descriptor, seconds)
    finally:
        os.close(descriptor)


def is_readable(descriptor: int, seconds: float | None) -> bool:
    """Wait until something can be read, or the other end is closed; returns False after ``seconds``."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else max(0, seconds * 1000)))


def _ended_by_polling(pid: int, seconds: float | None) -> bool:
    """Poll, where there is no pidfd (macOS)."""
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.02)
                continue
        return True
    return False
