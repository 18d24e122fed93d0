"""Run a plain Python function as the work, in a forked process, so that the runner sees and reports any crash of it.

The fork takes about 10 ms and shares the imported modules. In the child, Airflow's own calls (connections, variables)
work as usual: the operators pass a ``line``, the connection to Airflow's supervisor, for that.
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
from airflow_mcp_provider.runtime import process_exit, redaction
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.processes import SOFT, die_with_parent
from airflow_mcp_provider.runtime.size_limits import MAX_REPORT_BYTES

TRACE_CHARS = 4_000
MESSAGE_CHARS = 100_000
NAME_CHARS = 500
FATAL = (signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)
"""Signals that end the work, whatever handlers the runner has. Airflow's importer leaves a Python handler for SIGSEGV
behind, with which a crash in C code repeats its faulting instruction for ever."""


class Line(Protocol):
    """The runner's connection to Airflow's supervisor, made available to the forked work."""

    def child(self) -> None:
        """Set up the child's end. Called first in the process of the work."""

    def parent(self) -> None:
        """Set up the runner's end. Called in the runner after the fork."""


class NoLine:
    """No connection: there is no Airflow."""

    def child(self) -> None:
        """Do nothing."""

    def parent(self) -> None:
        """Do nothing."""


def fork(call: Callable[[], Any], *, result: Path, line: Line, clean: Callable[[str], str] = str) -> int:
    """Start ``call()`` in a child process; returns its pid.

    The child writes ``{"result": …}`` or ``{"error": {"kinds": […], "message": "…", "trace": "…"}}`` to ``result``.
    ``clean`` is applied to the JSON of the result, in the child, because only the work may know its secrets.
    """
    process_exit.flush_streams()
    # No signal reaches the child before it has its own handlers: SOFT would end it, others would run the runner's.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            try:
                _child(call, result, line, clean)
            finally:
                os._exit(1)  # an error before the child's own error handling
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    line.parent()
    return pid


def _child(call: Callable[[], Any], result: Path, line: Line, clean: Callable[[str], str]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        die_with_parent()
        _forget_handlers()
        signal.signal(SOFT, _soft_timeout)
        line.child()
        process_exit.begin()
        text = _outcome(call, clean)
        process_exit.fill_streams()
        new = result.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.rename(result)
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must not return into the runner's stack
        with suppress(BaseException):
            traceback.print_exc()
    finally:
        process_exit.flush_streams()
        os._exit(code)


def _forget_handlers() -> None:
    """Restore the default signal handlers, so that no handler of the runner is called in the work."""
    signal.set_wakeup_fd(-1)
    handled = {each for each in signal.valid_signals() if callable(signal.getsignal(each))}
    for inherited in handled | set(FATAL):
        signal.signal(inherited, signal.SIG_DFL)


def _outcome(call: Callable[[], Any], clean: Callable[[str], str]) -> str:
    """Run the work and Python's exit sequence: its last threads and exit handlers run within its time limits."""

    def both() -> str:
        text, failed = _done(lambda: _returned(call, clean))
        late, too_late = _done(process_exit.end)
        signal.signal(SOFT, signal.SIG_IGN)
        return late if too_late and not failed else text

    return _done(both)[0]  # SoftTimeout may come between two steps, too


def _returned(call: Callable[[], Any], clean: Callable[[str], str]) -> str:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return '{"result":' + clean(json_text(call(), "result", MAX_REPORT_BYTES)) + "}"


def _done(step: Callable[[], str]) -> tuple[str, bool]:
    try:
        return process_exit.of_this_process(step), False
    except BaseException as error:  # noqa: BLE001 - SystemExit of the work is its failure, too
        failure = describe(error)
        with suppress(BaseException):  # the work may have closed it
            sys.stderr.write(failure["trace"])
        return json.dumps({"error": failure}), True


def _soft_timeout(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SoftTimeout("timeouts.soft passed, or the run was cancelled: clean up and end")


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception as JSON: ``kinds`` (dotted class names), ``message``, ``trace``; all secrets masked."""
    ours = error if issubclass(type(error), SubtaskError) else None  # isinstance would call the error's own code
    kinds = _texts(ours, "kinds")
    message, silent = _safely(lambda: str(ours.args[0] if ours and ours.args else error))
    # Our own errors do not need a traceback of our code.
    trace = "".join(_texts(ours, "trace")) if kinds else _trace(error, silent=silent)
    # Redacted before it is truncated, escaped after it is redacted: otherwise a secret is not recognized.
    return {
        "kinds": tuple(map(redaction.text, kinds or class_names(type(error)))),
        "message": _storable(redaction.text(message)[:MESSAGE_CHARS]),
        "trace": _storable(redaction.text(trace)[-TRACE_CHARS:]),
    }


def _texts(error: object, name: str) -> tuple[str, ...]:
    """Return an attribute of one of our errors; a subclass may not have set it."""
    value = getattr(error, name, ())
    texts = (value,) if isinstance(value, str) else value
    return texts if isinstance(texts, tuple) and all(type(one) is str for one in texts) else ()


def _trace(error: BaseException, *, silent: bool) -> str:
    """Return the traceback; only its frames for a ``silent`` error, whose message cannot be formatted."""
    if silent:
        return "".join(traceback.format_tb(error.__traceback__))
    return _safely(lambda: "".join(traceback.format_exception(error)))[0]


def _safely(text: Callable[[], str]) -> tuple[str, bool]:
    """Return the text, and whether formatting it failed: an exception's own methods may raise."""
    try:
        return str.__str__(text()), False
    except BaseException as error:  # noqa: BLE001 - also SoftTimeout, of a method that never ends
        return f"(no message: formatting it raised {_name(type(error))})", True


def _storable(text: str) -> str:
    """Escape what logs and databases do not accept: lone surrogates (of file names), NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def class_names(kind: type) -> tuple[str, ...]:
    """Return the dotted names of a class and its bases, in method resolution order; builtins without their module."""
    return tuple(_name(each) for each in type.__dict__["__mro__"].__get__(kind) if each is not object)


def _name(kind: type) -> str:
    """Return the dotted name without calling the metaclass, which may be broken."""
    name, module = _own(kind, "__qualname__"), _own(kind, "__module__")
    return name if module in {"builtins", ""} else f"{module}.{name}"


def _own(kind: type, name: str) -> str:
    try:
        return _storable(str.__str__(type.__dict__[name].__get__(kind)))[:NAME_CHARS]
    except (AttributeError, TypeError):  # a class without a module, or with one that is not a string
        return ""


def await_if_needed(value: Any) -> Any:  # noqa: ANN401 - whatever the user's function returned
    """Run a coroutine to its end and return its result; on ``SoftTimeout`` it is cancelled and may clean up."""
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:  # noqa: ANN401
    return await value


def read(result: Path, code: int) -> Any:  # noqa: ANN401 - any JSON
    """Read the result file of ``fork``; raises SubtaskError (or SoftTimeout) when the work failed or was killed."""
    text = result.read_text(encoding="utf-8") if result.exists() else ""
    if code != 0 or not text:
        raise SubtaskError(exit_message(code), kinds=("WorkDied",))
    outcome = json.loads(text)
    if failure := outcome.get("error"):
        raise _failure(failure)
    return outcome["result"]


def _failure(failure: dict[str, Any]) -> McpError:
    kinds = tuple(failure["kinds"])
    soft = kinds[0] == _name(SoftTimeout)
    return (SoftTimeout if soft else SubtaskError)(failure["message"], kinds=kinds, trace=failure["trace"])


def exit_message(code: int) -> str:
    """Return a sentence about how a process ended; ``code`` is its exit code, or a negative signal number."""
    if code == 0:
        return "the process ended with exit code 0 before the function returned"
    if code > 0:
        return f"the process ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the process was killed by {name}{hint}"
