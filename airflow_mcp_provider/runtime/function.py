"""Run a plain Python function as the work: in a forked process, so that any death of it has a witness.

The fork costs some 10 ms and shares the imported modules. In the child the function finds Airflow's own calls
(connections, variables) as usual: ``line`` is how the operators hand that over.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Protocol

from airflow_mcp_provider.errors import McpError, SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.processes import die_with_parent
from airflow_mcp_provider.runtime.wire import MAX_REPORT_BYTES, json_text

TRACE_CHARS = 4_000
FATAL = (signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)
"""Signals that end the work, whatever the runner does on them. Airflow's importer leaves a Python handler for SIGSEGV
behind, under which a crash in C code repeats its faulting instruction for ever."""


class Line(Protocol):
    """The runner's line to Airflow, lent to the forked work."""

    def child(self) -> None:
        """Called in the work's process, first."""

    def parent(self) -> None:
        """Called in the runner once the work is forked."""


class NoLine:
    """Where there is no Airflow."""

    def child(self) -> None:
        """Nothing to hand over."""

    def parent(self) -> None:
        """Nothing to listen to."""


def fork(call: Callable[[], Any], *, result: Path, soft: float | None, line: Line) -> int:
    """Start ``call()`` in a child; returns its pid. It leaves ``{"result": …}`` or ``{"error": …}`` in ``result``."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(call, result, soft, line)
    line.parent()
    return pid


def _child(call: Callable[[], Any], result: Path, soft: float | None, line: Line) -> NoReturn:
    code = 1
    try:
        os.setsid()
        die_with_parent()
        for inherited in FATAL:
            signal.signal(inherited, signal.SIG_DFL)
        line.child()
        result.write_text(_outcome(call, soft))
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must not return into the runner's stack
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _outcome(call: Callable[[], Any], soft: float | None) -> str:
    try:
        if soft is not None:
            signal.signal(signal.SIGALRM, _soft_timeout)
            signal.setitimer(signal.ITIMER_REAL, soft)
        value = call()
        signal.setitimer(signal.ITIMER_REAL, 0)
        return '{"result":' + json_text(value, "result", MAX_REPORT_BYTES) + "}"
    except BaseException as error:  # noqa: BLE001 - SystemExit of the work is its failure, too
        signal.setitimer(signal.ITIMER_REAL, 0)
        failure = describe(error)
        sys.stderr.write(failure["trace"])
        return json.dumps({"error": failure})


def _soft_timeout(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SoftTimeout("timeouts.soft passed: clean up and end before timeouts.hard")


def describe(error: BaseException) -> dict[str, Any]:
    """What remains of an exception when it leaves its process."""
    told = error if isinstance(error, SubtaskError) else None
    kinds = (told and told.kinds) or class_names(type(error))
    message = str(error.args[0]) if isinstance(error, SubtaskError) and error.args else str(error)
    # What is told in words of ours needs no place in our code.
    trace = told.trace if told and told.kinds else "".join(traceback.format_exception(error))
    # Redacted before it is cut, escaped after it is redacted: else a secret is not recognised.
    return {
        "kinds": kinds,
        "message": _storable(redaction.text(message)),
        "trace": _storable(redaction.text(trace)[-TRACE_CHARS:]),
    }


def _storable(text: str) -> str:
    """Escape what no log and no database takes: lone surrogates (file names have them), NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def class_names(kind: type) -> tuple[str, ...]:
    """Dotted names of a class and its bases, nearest first; builtins stand without their module."""
    return tuple(_name(each) for each in kind.__mro__ if each is not object)


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def await_if_needed(value: Any) -> Any:  # noqa: ANN401 - whatever the user's function returned
    """Run a coroutine to its end; on ``SoftTimeout`` it is cancelled and may clean up."""
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:  # noqa: ANN401
    return await value


def read(result: Path, code: int) -> Any:  # noqa: ANN401 - any JSON
    """Return what ``fork`` left behind; raises SubtaskError (or SoftTimeout) when it failed or was killed."""
    text = result.read_text() if result.exists() else ""
    if code != 0 or not text:
        raise SubtaskError(death(code), kinds=("WorkDied",))
    outcome = json.loads(text)
    if failure := outcome.get("error"):
        raise _failure(failure)
    return outcome["result"]


def _failure(failure: dict[str, Any]) -> McpError:
    kinds = tuple(failure["kinds"])
    soft = kinds[0] == _name(SoftTimeout)
    return (SoftTimeout if soft else SubtaskError)(failure["message"], kinds=kinds, trace=failure["trace"])


def death(code: int) -> str:
    """Say how a process ended, for people."""
    if code >= 0:
        return f"the work ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the work was killed by {name}{hint}"
