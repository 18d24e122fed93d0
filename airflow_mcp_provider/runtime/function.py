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
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Protocol

from airflow_mcp_provider.errors import McpError, SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import leaving, redaction
from airflow_mcp_provider.runtime.processes import SOFT, die_with_parent
from airflow_mcp_provider.runtime.wire import MAX_REPORT_BYTES, json_text

TRACE_CHARS = 4_000
MESSAGE_CHARS = 100_000
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


def fork(call: Callable[[], Any], *, result: Path, line: Line) -> int:
    """Start ``call()`` in a child; returns its pid. It leaves ``{"result": …}`` or ``{"error": …}`` in ``result``."""
    leaving.flush_streams()
    pid = os.fork()
    if pid == 0:
        _child(call, result, line)
    line.parent()
    return pid


def _child(call: Callable[[], Any], result: Path, line: Line) -> NoReturn:
    code = 1
    try:
        os.setsid()
        die_with_parent()
        for inherited in FATAL:
            signal.signal(inherited, signal.SIG_DFL)
        signal.signal(SOFT, _soft_timeout)
        line.child()
        leaving.begin()
        result.write_text(_outcome(call))
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must not return into the runner's stack
        with suppress(BaseException):
            traceback.print_exc()
    finally:
        leaving.flush_streams()
        os._exit(code)


def _outcome(call: Callable[[], Any]) -> str:
    """Do the work, and end as Python does: what its last threads and handlers do is within its time limits."""
    text, failed = _done(lambda: '{"result":' + json_text(call(), "result", MAX_REPORT_BYTES) + "}")
    late, too_late = _done(leaving.end)
    signal.signal(SOFT, signal.SIG_IGN)
    return late if too_late and not failed else text


def _done(step: Callable[[], str]) -> tuple[str, bool]:
    try:
        return step(), False
    except BaseException as error:  # noqa: BLE001 - SystemExit of the work is its failure, too
        failure = describe(error)
        with suppress(BaseException):  # the work may have closed it
            sys.stderr.write(failure["trace"])
        return json.dumps({"error": failure}), True


def _soft_timeout(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SoftTimeout("timeouts.soft passed: clean up and end before timeouts.hard")


def describe(error: BaseException) -> dict[str, Any]:
    """What remains of an exception when it leaves its process."""
    told = error if isinstance(error, SubtaskError) else None
    kinds = (told and told.kinds) or class_names(type(error))
    told_text = told.args[0] if told and told.args else error
    message = _safely(lambda: str(told_text))
    # What is told in words of ours needs no place in our code.
    trace = told.trace if told and told.kinds else _safely(lambda: "".join(traceback.format_exception(error)))
    # Redacted before it is cut, escaped after it is redacted: else a secret is not recognised.
    return {
        "kinds": kinds,
        "message": _storable(redaction.text(message)[:MESSAGE_CHARS]),
        "trace": _storable(redaction.text(trace)[-TRACE_CHARS:]),
    }


def _safely(text: Callable[[], str]) -> str:
    """Whatever an exception's own methods do, its class is still told."""
    try:
        return str.__str__(text())
    except BaseException as error:  # noqa: BLE001 - also SoftTimeout, of a method that never ends
        return f"(its text cannot be had: {type(error).__name__})"


def _storable(text: str) -> str:
    """Escape what no log and no database takes: lone surrogates (file names have them), NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def class_names(kind: type) -> tuple[str, ...]:
    """Dotted names of a class and its bases, nearest first; builtins stand without their module."""
    return tuple(_name(each) for each in type.__dict__["__mro__"].__get__(kind) if each is not object)


def _name(kind: type) -> str:
    name, module = type.__dict__["__qualname__"].__get__(kind), type.__dict__["__module__"].__get__(kind)
    return name if module == "builtins" or not isinstance(module, str) else f"{module}.{name}"


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
