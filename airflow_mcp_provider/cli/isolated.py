"""Check the code that a spec names in a child process with a time limit.

Runs for ``airflow mcp validate``. Importing a module runs it: it may hang, exit, print, or crash the process. Then the
references to that module have an error, and those to other modules are checked in a further child process.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn

from airflow_mcp_provider.cli.code_check import problem_of
from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.runtime import function, processes
from airflow_mcp_provider.spec import human

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow_mcp_provider.cli.named_code import NamedCode


def problems_of(named: Sequence[NamedCode], folder: Path, limit: timedelta) -> list[Problem]:
    """Return the problems of the code that one spec names.

    ``folder`` is added to ``sys.path``, as Airflow does with the folder of a DAG bundle. ``limit`` is the time limit of
    each child process.
    """
    found: list[Problem] = []
    left = [*named]
    while left:
        done, end = _checked(left, folder, limit)
        found += [problem for problem in done if problem]
        left = left[len(done) :]
        if left:
            broken = left[0].module
            found += [_not_imported(code, end) for code in left if code.module == broken]
            left = [code for code in left if code.module != broken]
    return found


def _not_imported(code: NamedCode, end: str) -> Problem:
    expected = "a module whose import returns, and leaves the process as it is"
    return Problem(f"import error ({end}) of", code.path, given=code.reference, expected=expected)


def _checked(named: Sequence[NamedCode], folder: Path, limit: timedelta) -> tuple[list[Problem | None], str]:
    """Return the results that a child process has written, and how it ended."""
    processes.adopt_orphans()
    others = processes.descendants()
    with TemporaryDirectory(prefix="mcp-validate-") as scratch:
        lines = Path(scratch, "lines")
        lines.touch()
        pid = function.fork(
            lambda: _write(named, folder, lines), result=Path(scratch, "result"), line=function.NoLine()
        )
        try:
            code = processes.wait(pid, limit.total_seconds())
        finally:
            processes.kill_all(keep=others)
        end = function.exit_message(code) if code is not None else f"it did not end within {human(limit)}"
        return _read(lines, len(named)), end


def _write(named: Sequence[NamedCode], folder: Path, lines: Path) -> NoReturn:
    """Write a line of JSON for each reference; end the process without the threads and exit handlers of that code."""
    with lines.open("a", encoding="utf-8") as file:
        _quiet()
        _prepare_path(folder)
        for code in named:
            problem = problem_of(code)
            file.write(json.dumps(asdict(problem) if problem else None) + "\n")
            file.flush()
        os._exit(0)


def _quiet() -> None:
    """Discard what the user's code prints: the output of this command may be JSON."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    sys.stdout = sys.stderr = open(null, "w", closefd=False)  # noqa: SIM115 - until the end of this process


def _prepare_path(folder: Path) -> None:
    """Make ``sys.path`` that of a runner: with the folder of the DAG bundle, without the working directory."""
    with suppress(OSError, IndexError):
        if Path(sys.path[0]).resolve() == Path.cwd():
            del sys.path[0]
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _read(lines: Path, most: int) -> list[Problem | None]:
    """Return the complete lines; the user's code may have damaged the file."""
    found: list[Problem | None] = []
    with suppress(ValueError, TypeError, OSError):
        for line in lines.read_text(encoding="utf-8").splitlines(keepends=True)[:most]:
            values = json.loads(line) if line.endswith("\n") else {}
            found.append(None if values is None else Problem(**values))
    return found
