"""``@job``: a function with its job around it, as a DAG.

Runs where the DAG file is imported: in the DAG processor, and again in the process of the work, which imports the
function by its reference.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack

from airflow.sdk import DAG

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.runtime.calls import SOCKET
from airflow_mcp_provider.spec import (
    Items,
    JobSpec,
    On,
    Plan,
    Pod,
    PythonWork,
    Queue,
    Retries,
    Schedule,
    Subtasks,
    Timeouts,
    Work,
)
from airflow_mcp_provider.spec.job import Control
from airflow_mcp_provider.spec.model import Part

P = ParamSpec("P")
R = TypeVar("R")
Function = Callable[..., Any]
_DOTTED = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"


class Fields(TypedDict, total=False):
    """The fields of a JobSpec that are not functions; see there."""

    description: str
    owner: str
    tags: Sequence[str]
    params: Mapping[str, Mapping[str, Any]]
    subtasks: Subtasks
    retries: Retries
    timeouts: Timeouts
    queue: Queue
    schedule: Schedule
    on: On
    pod: Pod
    control: Control


class Job(Generic[P, R]):
    """A decorated function. Called, it is the function; ``spec`` is its job, ``dag`` the DAG of that."""

    __wrapped__: Callable[P, R]

    def __init__(self, function: Callable[P, R], spec: JobSpec) -> None:
        functools.update_wrapper(self, function)
        self.spec = spec
        if SOCKET not in os.environ:  # in the process of the work, nothing looks at the DAG
            self.dag  # noqa: B018 - Airflow registers it

    @functools.cached_property
    def dag(self) -> DAG:
        """The DAG of the job."""
        return build_dag(self.spec)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.__wrapped__(*args, **kwargs)


def job(
    *,
    plan: Plan | Function | Iterable[Any],
    report: Work | Function | None = None,
    id: str | None = None,  # noqa: A002 - the name of the field in the spec
    **fields: Unpack[Fields],
) -> Callable[[Callable[P, R]], Job[P, R]]:
    """Make a function the work of a job's subtasks, and its DAG, whose id is the name of the function.

    ``plan`` and ``report`` are work as in a spec, or functions; a plan may also be the list of items. The description
    is the function's docstring. The module of each function must be importable by its name: a file in the DAG folder,
    or an installed package. Raises SpecError when it is not, or when a field is not valid.
    """

    def decorate(function: Callable[P, R]) -> Job[P, R]:
        given: dict[str, Any] = {"description": (function.__doc__ or "").strip(), **fields}
        given |= {"id": id or function.__name__, "plan": _plan(plan), "run": _work(function)}
        spec = JobSpec(**given, report=None if report is None else _work(report))
        return Job(function, spec)

    return decorate


def _plan(plan: Plan | Function | Iterable[Any]) -> Any:  # noqa: ANN401 - likewise
    if isinstance(plan, Part):
        return plan
    return _work(plan) if callable(plan) else Items(items=tuple(plan))


def _work(work: Work | Function) -> Any:  # noqa: ANN401 - one of the forms of work
    return work if isinstance(work, Part) else PythonWork(python=reference(work))


def reference(function: Function) -> str:
    """Return ``module:function``; raises SpecError for a function that cannot be imported by a name."""
    name = getattr(function, "__qualname__", "")
    if not re.fullmatch(_DOTTED, name):  # a lambda, or a function in a function
        raise SpecError(f"invalid function {name or repr(function)}; expected one at the top of a module")
    return f"{_module(function, name)}:{name}"


def _module(function: Function, name: str) -> str:
    """Return the name of the function's module; Airflow imports a DAG file under another name than its own."""
    module, file = function.__module__, Path(getattr(sys.modules.get(function.__module__), "__file__", None) or "-")
    stem = file.parent.name if file.name == "__init__.py" else file.stem
    if module.rpartition(".")[2] == stem:
        return module
    names = [found for folder in sys.path if (found := _below(file, Path(folder or ".")))]
    if not names:
        raise SpecError(
            f"{name}: the module {file} has no name; expected letters, digits and _ in its path below a "
            "folder of sys.path, such as the DAG folder"
        )
    return min(names, key=len)


def _below(file: Path, folder: Path) -> str | None:
    """Return the dotted name of a file below a folder, None where it has none."""
    if not file.resolve().is_relative_to(folder.resolve()):
        return None
    name = ".".join(file.resolve().relative_to(folder.resolve()).with_suffix("").parts).removesuffix(".__init__")
    return name if re.fullmatch(_DOTTED, name) else None
