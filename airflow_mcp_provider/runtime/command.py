"""Run a command, in any language, as the work.

Its output goes to the task log line by line. Its result is the content of ``$MCP_RESULT``, else it is read from stdout
(see ``runtime.stdout``).
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TextIO

from airflow_mcp_provider.errors import InvalidPayload, SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.function import exit_message
from airflow_mcp_provider.runtime.processes import die_with_parent
from airflow_mcp_provider.runtime.stdout import MOST_CHARS, RESULT, LastLine, Printed, readable
from airflow_mcp_provider.runtime.work_files import content

_CHUNK = 65_536
"""Bytes of one read, and characters of one line in the log."""
_TOO_LARGE = (
    "its arguments and environment exceed the limit of this system (a quarter of the stack size, usually 2 MB); "
    "write the data to a file or an object store and pass its path or URL"
)
_LONG_GRACE_S = 60.0
"""Seconds to wait for the rest of the output to reach a slow log, after all writers have ended."""
_GRACE_S = 2.0
"""Seconds to wait while a process that the ended command left behind keeps its output open."""


@dataclass
class Running:
    """A started command: its pid, and the threads that copy its output to the log."""

    pid: int
    result: Path
    printed: Printed
    _pumps: list[_Pump] = field(default_factory=list)

    @property
    def last_error(self) -> str:
        """The last line of stderr of a command that has ended."""
        self._all_read()
        return self._pumps[1].last.text.strip()

    def read(self, code: int, end_others: Callable[[], None] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Return the result; raises SubtaskError when the exit code was not 0.

        ``end_others`` ends processes that the command left behind, so that its output is read to the end.
        """
        self._all_read(end_others)
        if code != 0:
            raise SubtaskError(failure_message(code, self._pumps[0].last.text), kinds=("CommandFailed",))
        if os.path.lexists(self.result):
            found = content(self.result, f"${RESULT}", MOST_CHARS, follow=True)
            return self.printed.of_file(found.decode("utf-8", "surrogateescape"))
        return self.printed.result()

    def _all_read(self, end_others: Callable[[], None] | None = None) -> None:
        for pump in self._pumps:
            pump.wait(_GRACE_S)
        if end_others is not None and any(pump.is_open for pump in self._pumps):
            end_others()
            for pump in self._pumps:
                pump.wait(_LONG_GRACE_S)
        for pump in self._pumps:
            pump.end()


def start(argv: Sequence[str], environment: Mapping[str, str], result: Path, printed: Printed | None = None) -> Running:
    """Start ``argv`` (no shell) in a session of its own.

    ``printed`` reads its result from stdout; by default that is the last line. Raises SubtaskError when the program
    cannot be started, InvalidPayload when its arguments and environment are too large.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - running the job's command is what it is for
            argv,
            env={**environment, RESULT: str(result)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - before any thread of ours is started
        )
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.E2BIG:
            raise InvalidPayload(f"{argv[0]!r} cannot be started: {_TOO_LARGE}") from None
        raise SubtaskError(f"{argv[0]!r} cannot be started: {error}", kinds=("CommandNotStarted",)) from None
    process.returncode = 0  # we wait for it ourselves: Popen's destructor must not
    printed = printed or LastLine()
    pumps = [_Pump(process.stdout, sys.stdout, printed), _Pump(process.stderr, sys.stderr)]
    return Running(process.pid, result, printed, pumps)


class _Pump:
    """Copy ``source`` to the log, line by line; ``printed`` gets the lines, too."""

    def __init__(self, source: IO[bytes] | None, target: TextIO, printed: Printed | None = None) -> None:
        self.last = LastLine()
        self._source, self._target = source, target
        self._readers: list[Printed] = [self.last, *([printed] if printed else [])]
        self._rest, self._whole = "", True
        self._lock = threading.Lock()
        self._ended = False
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None) -> None:
        """Wait for the end of the output."""
        self._thread.join(seconds)

    def end(self) -> None:
        """Read the remaining output of an ended command, also an unfinished line that another process holds open."""
        with self._lock:
            self._take(b"", final=True)
            self._ended = True

    def _pump(self) -> None:
        while self._source and (data := os.read(self._source.fileno(), _CHUNK)):
            with self._lock:
                if not self._ended:
                    self._take(data)

    def _take(self, data: bytes, *, final: bool = False) -> None:
        if self._ended:
            return
        *lines, self._rest = (self._rest + self._decoder.decode(data, final=final)).split("\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > MOST_CHARS:
            self._log(self._rest)
            self._rest, self._whole = "", False
        elif final and (self._rest or not self._whole):
            self._line(self._rest)

    def _line(self, text: str) -> None:
        self._log(text)
        for reader in self._readers:
            reader.line(text, whole=self._whole)
        self._whole = True

    def _log(self, text: str) -> None:
        line = redaction.text(readable(text))  # Airflow masks the task's log, but not the output of a LocalExecutor
        for start in range(0, len(line) or 1, _CHUNK):
            self._target.write(line[start : start + _CHUNK] + "\n")
        self._target.flush()


def failure_message(code: int, last: str) -> str:
    """Return the message for a failed command: its exit code or signal, and its last line of output."""
    output = f"; last line of output: {redaction.text(last.strip())[:200]}" if last.strip() else ""
    return exit_message(code) + output
