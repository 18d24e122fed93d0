"""The processes of an embedded Airflow: started, killed, started again, and surely ended.

Runs in the shell (``airflow mcp demo``) and in the integration tests. Airflow's own ``standalone`` ends only its direct
children and forgets them when it is killed itself; here every descendant carries a mark (see ``guard.py``).
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
    """What to start: ``user`` is given where a program refuses to run as root."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    user: str | None = None


@dataclass
class Processes:
    """The running programs of one embedded Airflow; ``folders`` are removed at the end."""

    home: Path
    logs: Path
    folders: Sequence[Path] = ()
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _programs: dict[str, Program] = field(default_factory=dict)
    _guard: subprocess.Popen[bytes] | None = None

    def watch(self) -> None:
        """Start the guard, before anything that it has to end."""
        self.logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-I", reaper.__file__, str(self.home), *map(str, self.folders)]
        self._guard = subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
            command, stdin=subprocess.PIPE, start_new_session=True, env={}, cwd="/"
        )

    def start(self, program: Program) -> None:
        """Start a program in a session of its own, so that a terminal's Ctrl-C reaches us and not it."""
        self._programs[program.name] = program
        with self.log(program.name).open("ab") as log:
            self.running[program.name] = subprocess.Popen(  # noqa: S603 - programs of our own making
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
        """Start a program again that was killed."""
        self.kill(name)
        self.start(self._programs[name])

    def kill(self, name: str) -> None:
        """SIGKILL a program and all its descendants, as the end of its machine would."""
        reaper.kill(str(self.home), {name})
        if process := self.running.pop(name, None):
            process.wait()

    def check(self, names: Collection[str] = ()) -> None:
        """Raise when a program has ended by itself; of some names, or any."""
        for name, process in self.running.items():
            if (not names or name in names) and (code := process.poll()) is not None:
                raise InstallationError(f"{name} ended with code {code}:\n{self.tail(name)}")

    def end(self) -> None:
        """End everything; also what a task left behind."""
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
        self.running.clear()

    def log(self, name: str) -> Path:
        """Tell where a program's output goes."""
        return self.logs / f"{name}.log"

    def tail(self, name: str) -> str:
        """Give the last lines of a program's output."""
        return "\n".join(self.log(name).read_text("utf-8", "replace").splitlines()[-TAIL:])


class Identity(TypedDict, total=False):
    """The arguments of ``subprocess`` that make a program run as somebody else."""

    user: str
    group: int
    extra_groups: list[str]


def identity(user: str | None) -> Identity:
    """Tell ``subprocess`` whom to run a program as; ``None`` is ourselves."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def deadline(seconds: float, what: str, processes: Processes, names: Collection[str] = ()) -> Deadline:
    """Begin to wait for something that the processes, or some of them, will do."""
    return Deadline(time.monotonic() + seconds, what, processes, names)


@dataclass(frozen=True)
class Deadline:
    """A wait that ends early when a process has ended, and says what was waited for when it is over."""

    until: float
    what: str
    processes: Processes
    names: Collection[str] = ()

    def pause(self, seconds: float = 0.05) -> None:
        """Sleep a moment, or raise."""
        self.processes.check(self.names)
        if time.monotonic() > self.until:
            logs = "\n".join(f"--- {name}\n{self.processes.tail(name)}" for name in self.processes.running)
            raise InstallationError(f"{self.what} did not happen in time\n{logs}")
        time.sleep(seconds)
