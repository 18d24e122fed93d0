"""Check that a function or class that a spec names can be imported, and called as the runtime calls it.

Runs in a process of its own (``cli.isolated``), because it imports the user's code.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.runtime.arguments import bind_arguments
from airflow_mcp_provider.runtime.function import describe
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.spec import printable

if TYPE_CHECKING:
    from airflow_mcp_provider.cli.named_code import NamedCode

_MOST_SHOWN = 300
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL)


def problem_of(code: NamedCode) -> Problem | None:
    """Return what is wrong with ``code``, with its path; None if nothing is."""
    try:
        found = resolve(code.reference)
        _called(code, found)
    except SpecError as error:
        problem = error.problems[0] if error.problems else Problem(str(error))
    except BaseException as error:  # noqa: BLE001 - SystemExit of a module is an error of it, too
        problem = _of_import(code, error)
    else:
        return None
    return _short(replace(problem, path=code.path))


def _called(code: NamedCode, found: Callable[..., Any]) -> None:
    """Raise SpecError when ``found`` cannot be called with what the runtime has."""
    params = dict.fromkeys(code.params)
    if code.role == "plan":
        bind_arguments(code.reference, found, (params,), "params")
    elif code.role == "report":
        bind_arguments(code.reference, found, ((), params), "outcomes, params")
    elif code.role == "run":
        _run(code, found, params)
    elif code.role == "watch":
        bind_arguments(code.reference, found, (), "")
    else:
        _notifier(code)


def _run(code: NamedCode, found: Callable[..., Any], params: Mapping[str, Any]) -> None:
    if code.payloads is not None:
        for fields in code.payloads:
            bind_arguments(code.reference, found, (dict.fromkeys(sorted(fields)), params), "subtask, params")
    elif not _may_take_fields(found):
        bind_arguments(code.reference, found, ({}, params), "subtask, params")


def _may_take_fields(found: Callable[..., Any]) -> bool:
    """Whether some payload may have a field for the first parameter of the function: then it is called by names."""
    try:
        parameters = [*inspect.signature(found).parameters.values()]
    except ValueError:  # a builtin without a signature
        return True
    return bool(parameters) and parameters[0].kind not in _POSITIONAL


def _notifier(code: NamedCode) -> None:
    # Airflow's notifiers need the SDK, and few specs have one.
    from airflow_mcp_provider.operators.notifiers import arguments, notifier_class  # noqa: PLC0415
    from airflow_mcp_provider.runtime.notice import Notice  # noqa: PLC0415

    try:
        kind = notifier_class(code.reference)
    except SpecError:
        expected = "a subclass of airflow.sdk.BaseNotifier"
        raise SpecError("", problems=(Problem("invalid notifier", given=code.reference, expected=expected),)) from None
    signature = inspect.signature(kind)
    values = Notice(event="failure", job="job", run="run", state="failed", url="").values()
    try:
        signature.bind(**arguments(kind, code.args, values))
    except TypeError as error:
        problem = Problem(
            f"arguments ({error}) that do not fit", given=code.reference, expected=f"arguments of {signature}"
        )
        raise SpecError("", problems=(problem,)) from None


def _of_import(code: NamedCode, error: BaseException) -> Problem:
    failure = describe(error)
    text = f"{failure['kinds'][0]}: {failure['message']}".rstrip(": ")
    wrong = f"import error ({text}{_where(error)}) of"
    return Problem(wrong, given=code.reference, expected="a module that can be imported")


def _where(error: BaseException) -> str:
    """Return the last line of the traceback that is in a file, as ``, file:line``."""
    try:
        if isinstance(error, SyntaxError) and error.filename:
            return f", {error.filename}:{error.lineno}"
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename[:1] == "/"]
        return f", {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    except Exception:  # noqa: BLE001 - the attributes of an exception may be anything
        return ""


def _short(problem: Problem) -> Problem:
    """Return it with texts of one line that are not too long: they contain the user's."""
    return replace(
        problem, message=_line(problem.message), given=_line(problem.given), expected=_line(problem.expected)
    )


def _line(text: str) -> str:
    line = " ".join(printable(text.replace("\n", " ")).split())
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 1]}…"
