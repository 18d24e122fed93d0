"""Fork a child for each check, end it at its limits, and report how it ended: ``python -m …trigger.forkserver``.

One process of a triggerer, shared by all its watches. It has imported what a check needs, so that a check costs a fork
and not a start of Python. It imports no code of users, has one thread, and ends with the triggerer, whose requests it
reads from stdin.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from airflow_mcp_provider.runtime.processes import adopt_orphans
from airflow_mcp_provider.trigger import child
from airflow_mcp_provider.trigger.messages import MOST_BYTES, Ended, Reply, Request

_CHUNK = 65_536
_REQUESTS, _REPLIES = 0, 1


@dataclass
class Check:
    """A check that runs: ``deadline`` is a time of the monotonic clock; ``pipes`` has what each descriptor printed."""

    request: Request
    pid: int
    deadline: float
    pipes: dict[int, bytearray]
    ended: Ended = "exited"

    def kill(self) -> None:
        """Kill all processes of the check's group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):  # before its setsid
            os.kill(self.pid, signal.SIGKILL)

    def stop(self, reason: Ended) -> None:
        """Kill the check at one of its limits."""
        self.ended = reason
        self.kill()


@dataclass
class Server:
    """Reads requests, forks checks, writes replies."""

    checks: dict[int, Check] = field(default_factory=dict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _unread: bytearray = field(default_factory=bytearray)
    _open: bool = True
    _some_ended: bool = False

    def run(self) -> None:
        """Serve until stdin is closed; then kill the checks that are left."""
        self._listen(_REQUESTS, self._requests)
        self._listen(self._ends(), self._note_end)
        while self._open:
            for key, _ in self._selector.select(self._patience()):
                key.data(key.fd)
            self._stop_late()
            if self._some_ended:  # after the loop: it closes pipes, which may be among the keys
                self._reap()
        for check in self.checks.values():
            check.kill()

    def _listen(self, descriptor: int, call: Callable[[int], object]) -> None:
        os.set_blocking(descriptor, False)
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def _ends(self) -> int:
        """Return a pipe that becomes readable when a child ends."""
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return readable

    def _requests(self, descriptor: int) -> None:
        data = _read(descriptor)
        if data is None:
            return
        self._open = bool(data)
        *lines, rest = (bytes(self._unread) + data).split(b"\n")
        self._unread = bytearray(rest)
        for line in lines:
            self._fork(msgspec.json.decode(line, type=Request))

    def _fork(self, request: Request) -> None:
        (result, result_in), (log, log_in) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child.run(request, result_in, log_in)
            finally:
                os._exit(70)  # EX_SOFTWARE of sysexits.h; never reached, unless the limits could not be set
        os.close(result_in)
        os.close(log_in)
        pipes = {result: bytearray(), log: bytearray()}
        check = Check(request, pid, time.monotonic() + request.timeout, pipes)
        self.checks[pid] = check
        for pipe in pipes:
            self._listen(pipe, lambda descriptor: self._printed(check, descriptor))

    def _printed(self, check: Check, pipe: int) -> None:
        data = _read(pipe)
        if data == b"":
            self._selector.unregister(pipe)
        text = check.pipes[pipe]
        text += (data or b"")[: MOST_BYTES + 1 - len(text)]
        if len(text) > MOST_BYTES and check.ended == "exited":
            check.stop("output")

    def _patience(self) -> float | None:
        nearest = min((check.deadline for check in self.checks.values() if check.ended == "exited"), default=None)
        return None if nearest is None else max(0.0, nearest - time.monotonic())

    def _stop_late(self) -> None:
        now = time.monotonic()
        for check in self.checks.values():
            if check.ended == "exited" and check.deadline <= now:
                check.stop("timeout")

    def _note_end(self, ends: int) -> None:
        self._some_ended = _read(ends) is not None

    def _reap(self) -> None:
        self._some_ended = False
        ended = [check for check in self.checks.values() if _has_ended(check.pid)]
        for check in ended:
            check.kill()  # before it is reaped: until then its number is not that of another process
            self._drain(check)
            code = os.waitstatus_to_exitcode(os.waitpid(check.pid, 0)[1])
            del self.checks[check.pid]
            self._reply(check, code)
        self._kill_orphans()

    def _drain(self, check: Check) -> None:
        for pipe in check.pipes:
            if pipe in self._selector.get_map():
                self._printed(check, pipe)
            with suppress(KeyError):
                self._selector.unregister(pipe)
            os.close(pipe)

    def _reply(self, check: Check, code: int) -> None:
        result, log = (bytes(text).decode("utf-8", "replace") for text in check.pipes.values())
        reply = Reply(id=check.request.id, code=code, result=result, log=log, ended=check.ended)
        data = msgspec.json.encode(reply) + b"\n"
        while data:
            data = data[os.write(_REPLIES, data) :]

    def _kill_orphans(self) -> None:
        """Kill what a check left in another process group: its parent is this process, a child subreaper."""
        for pid in _children() - self.checks.keys():
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)  # its end, if it comes later, calls ``_reap`` again


def _has_ended(pid: int) -> bool:
    if not hasattr(os, "waitid"):  # macOS, before Python 3.13
        return not _alive(pid)
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _alive(pid: int) -> bool:
    import psutil  # noqa: PLC0415 - macOS only

    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _children() -> set[int]:
    """Return the children of this process; empty where Linux's /proc does not have them."""
    with suppress(OSError):
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    return set()


def _read(descriptor: int) -> bytes | None:
    """Return what can be read now: None for nothing, empty at the end."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None


def main() -> None:
    """Run the server; SIGINT and SIGTERM of a terminal or a service manager are for the triggerer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    adopt_orphans()
    Server().run()


if __name__ == "__main__":
    main()
