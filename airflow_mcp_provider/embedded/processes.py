"""Start, kill, restart and stop the processes of a temporary Airflow.

Runs in the shell (``airflow mcp demo``) and in the integration tests. ``airflow standalone`` stops only its direct
children, and none when it is killed. Here every descendant is marked by an environment variable (see ``reaper.py``).
"""

from __future__ import annotations

import contextlib
import pwd
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from airflow_mcp_provider.embedded import reaper
from airflow_mcp_provider.errors import InstallationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

TAIL = 30  # lines of a log that an error shows


@dataclass(frozen=True)
class Program:
    """A program to start; ``user`` is set for a program that refuses to run as root."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    user: str | None = None


@dataclass
class Processes:
    """The running programs of one temporary Airflow; ``folders`` are removed at the end."""

    home: Path
    logs: Path
    folders: Sequence[Path] = ()
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _programs: dict[str, Program] = field(default_factory=dict)
    _reaper: subprocess.Popen[bytes] | None = None

    def watch(self) -> None:
        """Start the reaper, before the processes that it has to stop."""
        self.logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-I", reaper.__file__, str(self.home), *map(str, self.folders)]
        self._reaper = subprocess.Popen(  # noqa: S603 - a file of this package
            command, stdin=subprocess.PIPE, start_new_session=True, env={}, cwd="/"
        )

    def start(self, program: Program) -> None:
        """Start a program in its own session, so that Ctrl-C in a terminal does not reach it."""
        self._programs[program.name] = program
        with self.log(program.name).open("ab") as log:
            self.running[program.name] = subprocess.Popen(  # noqa: S603 - arguments of this package
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**program.env, reaper.MARK: f"{self.home}#{program.name}"},
                cwd=self.logs if program.user is None else "/",
                start_new_session=True,
                **identity(program.user),
            )

    def restart(self, name: str) -> None:
        """Kill a program and start it again."""
        self.kill(name)
        self.start(self._programs[name])

    def kill(self, name: str) -> None:
        """Send SIGKILL to a program and all its descendants, as in a failure of its host."""
        reaper.kill(str(self.home), {name})
        if process := self.running.pop(name, None):
            process.wait()

    def check(self, names: Collection[str] = ()) -> None:
        """Raise InstallationError when a program (one of ``names``, by default any) has exited."""
        for name, process in self.running.items():
            if (not names or name in names) and (code := process.poll()) is not None:
                raise InstallationError(f"{name} exited with code {code}:\n{self.tail(name)}")

    def end(self) -> None:
        """Stop all programs and all processes that tasks have started."""
        if self._reaper and self._reaper.stdin:
            self._reaper.stdin.close()
            self._reaper.wait()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
        self.running.clear()

    def log(self, name: str) -> Path:
        """Return the path of the log of a program."""
        return self.logs / f"{name}.log"

    def tail(self, name: str) -> str:
        """Return the last lines of the log of a program."""
        return "\n".join(self.log(name).read_text("utf-8", "replace").splitlines()[-TAIL:])


class Identity(TypedDict, total=False):
    """The arguments of ``subprocess.Popen`` to run a program as another user."""

    user: str
    group: int
    extra_groups: list[str]


def identity(user: str | None) -> Identity:
    """Return the arguments of ``subprocess.Popen`` for a user; empty for None, the current user."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def deadline(seconds: float, what: str, processes: Processes, names: Collection[str] = ()) -> Deadline:
    """Return a Deadline in ``seconds`` from now; ``what`` is the name of the event in the error message."""
    return Deadline(time.monotonic() + seconds, what, processes, names)


@dataclass(frozen=True)
class Deadline:
    """A time limit for an event, which ends early when one of the processes exits."""

    until: float
    what: str
    processes: Processes
    names: Collection[str] = ()

    def pause(self, seconds: float = 0.05) -> None:
        """Sleep, or raise InstallationError after the time limit or when a process has exited."""
        self.processes.check(self.names)
        if time.monotonic() > self.until:
            logs = "\n".join(f"--- {name}\n{self.processes.tail(name)}" for name in self.processes.running)
            raise InstallationError(f"timeout while waiting for {self.what}\n{logs}")
        time.sleep(seconds)
