"""Run a command, in any language, as the work.

Its output goes to the task log line by line as it comes. Its result is what it wrote to ``$MCP_RESULT``, else its
last line of stdout where that is JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

from airflow_mcp_provider.errors import SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.function import death
from airflow_mcp_provider.runtime.processes import die_with_parent

RESULT = "MCP_RESULT"
_LINE_CHARS = 65_536
_GRACE_S = 2.0
"""How long an ended command's output may stay open: a process that it left behind holds it."""


@dataclass
class Running:
    """A started command: its pid, and its output on the way to the log."""

    pid: int
    result: Path
    _pumps: list[threading.Thread] = field(default_factory=list)
    _last: list[str] = field(default_factory=lambda: [""])
    _last_error: list[str] = field(default_factory=lambda: [""])

    @property
    def last_error(self) -> str:
        """The last line of stderr, of a command that has ended."""
        self._all_read()
        return self._last_error[0].strip()

    def read(self, code: int) -> Any:  # noqa: ANN401 - any JSON
        """Return the result; raises SubtaskError when the exit code was not 0."""
        self._all_read()
        if code != 0:
            raise SubtaskError(failure(code, self._last[0]), kinds=("CommandFailed",))
        if self.result.exists():
            return _result_file(self.result)
        return of_last_line(self._last[0])

    def _all_read(self) -> None:
        for pump in self._pumps:
            pump.join(_GRACE_S)


def start(argv: Sequence[str], environment: Mapping[str, str], result: Path) -> Running:
    """Start ``argv`` (no shell) in a session of its own; raises SubtaskError when there is no such program."""
    try:
        process = subprocess.Popen(  # noqa: S603 - running the job's command is what it is for
            argv,
            env={**environment, RESULT: str(result)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - before any thread of ours is started
        )
    except (OSError, ValueError) as error:
        raise SubtaskError(f"{argv[0]!r} cannot be started: {error}", kinds=("CommandNotStarted",)) from None
    running = Running(process.pid, result)
    process.returncode = 0  # we wait for it ourselves: Popen's destructor must not
    running._pumps = [  # noqa: SLF001 - ours
        _pump(process.stdout, sys.stdout, running._last),  # noqa: SLF001
        _pump(process.stderr, sys.stderr, running._last_error),  # noqa: SLF001
    ]
    return running


def _pump(source: IO[str] | None, target: TextIO, last: list[str]) -> threading.Thread:
    def pump() -> None:
        while source and (line := source.readline(_LINE_CHARS)):
            told = redaction.text(line)  # Airflow masks the task's log, not what LocalExecutor writes beside it
            target.write(told if told.endswith("\n") else f"{told}\n")
            target.flush()
            last[0] = line if line.strip() else last[0]

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    return thread


def failure(code: int, last: str) -> str:
    """Say how a command ended that failed, and with what words."""
    said = f"; it said last: {redaction.text(last.strip())[:200]}" if last.strip() else ""
    return death(code) + said


def _result_file(path: Path) -> Any:  # noqa: ANN401 - any JSON
    return of_result_file(path.read_text(errors="replace"))


def of_result_file(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what a result file says; raises SubtaskError when that is no JSON."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SubtaskError(
            f"${RESULT} holds no JSON ({error}): {redaction.shown(text)}", kinds=("InvalidResult",)
        ) from None


def of_last_line(line: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what the last line of stdout says, where it is JSON."""
    try:
        return json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are words, no JSON."""
    raise ValueError(name)
