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
from airflow_mcp_provider.runtime import process_exit, redaction
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.processes import SOFT, die_with_parent
from airflow_mcp_provider.runtime.size_limits import MAX_REPORT_BYTES

TRACE_CHARS = 4_000
MESSAGE_CHARS = 100_000
NAME_CHARS = 500
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


def fork(call: Callable[[], Any], *, result: Path, line: Line, clean: Callable[[str], str] = str) -> int:
    """Start ``call()`` in a child; returns its pid. It leaves ``{"result": …}`` or ``{"error": …}`` in ``result``.

    ``clean`` is applied to the JSON of the result, in the child: the work alone may know what is a secret.
    """
    process_exit.flush_streams()
    # No signal reaches the child before it has handlers of its own: SOFT would end it, another would run the runner's.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            try:
                _child(call, result, line, clean)
            finally:
                os._exit(1)  # whatever goes wrong before the child's own guard
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
    """A signal does to the work what it does to any process: no handler of the runner is called."""
    signal.set_wakeup_fd(-1)
    handled = {each for each in signal.valid_signals() if callable(signal.getsignal(each))}
    for inherited in handled | set(FATAL):
        signal.signal(inherited, signal.SIG_DFL)


def _outcome(call: Callable[[], Any], clean: Callable[[str], str]) -> str:
    """Do the work, and end as Python does: what its last threads and handlers do is within its time limits."""

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
    raise SoftTimeout("timeouts.soft passed: clean up and end before timeouts.hard")


def describe(error: BaseException) -> dict[str, Any]:
    """What remains of an exception when it leaves its process."""
    told = error if issubclass(type(error), SubtaskError) else None  # isinstance would ask the error itself
    kinds = _texts(told, "kinds")
    message, silent = _safely(lambda: str(told.args[0] if told and told.args else error))
    # What is told in words of ours needs no place in our code.
    trace = "".join(_texts(told, "trace")) if kinds else _trace(error, silent=silent)
    # Redacted before it is cut, escaped after it is redacted: else a secret is not recognised.
    return {
        "kinds": tuple(map(redaction.text, kinds or class_names(type(error)))),
        "message": _storable(redaction.text(message)[:MESSAGE_CHARS]),
        "trace": _storable(redaction.text(trace)[-TRACE_CHARS:]),
    }


def _texts(told: object, name: str) -> tuple[str, ...]:
    """Return an attribute of an error of ours; a class made of it may have left it out."""
    value = getattr(told, name, ())
    texts = (value,) if isinstance(value, str) else value
    return texts if isinstance(texts, tuple) and all(type(one) is str for one in texts) else ()


def _trace(error: BaseException, *, silent: bool) -> str:
    """Return the traceback; of a ``silent`` error, whose text cannot be had, its lines alone."""
    if silent:
        return "".join(traceback.format_tb(error.__traceback__))
    return _safely(lambda: "".join(traceback.format_exception(error)))[0]


def _safely(text: Callable[[], str]) -> tuple[str, bool]:
    """Whatever an exception's own methods do, its class is still told. The second: they have failed."""
    try:
        return str.__str__(text()), False
    except BaseException as error:  # noqa: BLE001 - also SoftTimeout, of a method that never ends
        return f"(its text cannot be had: {_name(type(error))})", True


def _storable(text: str) -> str:
    """Escape what no log and no database takes: lone surrogates (file names have them), NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def class_names(kind: type) -> tuple[str, ...]:
    """Dotted names of a class and its bases, nearest first; builtins stand without their module."""
    return tuple(_name(each) for each in type.__dict__["__mro__"].__get__(kind) if each is not object)


def _name(kind: type) -> str:
    """Ask no metaclass: it may be broken, too."""
    name, module = _own(kind, "__qualname__"), _own(kind, "__module__")
    return name if module in {"builtins", ""} else f"{module}.{name}"


def _own(kind: type, name: str) -> str:
    try:
        return _storable(str.__str__(type.__dict__[name].__get__(kind)))[:NAME_CHARS]
    except (AttributeError, TypeError):  # a class made without a module, or with one that is no text
        return ""


def await_if_needed(value: Any) -> Any:  # noqa: ANN401 - whatever the user's function returned
    """Run a coroutine to its end; on ``SoftTimeout`` it is cancelled and may clean up."""
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:  # noqa: ANN401
    return await value


def read(result: Path, code: int) -> Any:  # noqa: ANN401 - any JSON
    """Return what ``fork`` left behind; raises SubtaskError (or SoftTimeout) when it failed or was killed."""
    text = result.read_text(encoding="utf-8") if result.exists() else ""
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
    if code == 0:
        return "the work's process ended with exit code 0 before the function returned"
    if code > 0:
        return f"the work ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the work was killed by {name}{hint}"
