"""Import a function from its reference ``module.path:function``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.runtime.shadowed_modules import is_standard, shadowing

_METHOD = "a function, a static or class method, or the method of an instance in the module"


def resolve(reference: str) -> Callable[..., Any]:
    """Import ``module.path:name``; raises SpecError, with what is missing and where, if that is not possible.

    The SpecError has one problem, without a path. An exception of the module itself is not caught.
    """
    module_name, _, name = reference.partition(":")
    module = _imported(reference, module_name)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise _error(
                f"{reference}: {module_name}{_place(module)} has no attribute {name!r}{_standard(module_name)}",
                Problem("function not found:", given=reference, expected=_expected(module, part, found)),
            )
        around, found = found, getattr(found, part)
    if not callable(found):
        kind = type(found).__name__
        raise _error(
            f"{reference} is of type {kind} and not callable; expected a function",
            Problem(f"object of the type {kind}, which is not callable:", given=reference, expected="a function"),
        )
    if needs_instance(around, part):
        raise _error(
            f"{reference} is a method of the class {around.__name__} and needs an instance; expected {_METHOD}",
            Problem(f"method that needs an instance of {around.__name__}:", given=reference, expected=_METHOD),
        )
    return found  # type: ignore[no-any-return]  # callable() narrows Any to a callable without a signature


def needs_instance(around: object, name: str) -> bool:
    """Return whether ``name`` of the class ``around`` is a method whose first argument is an instance."""
    if not inspect.isclass(around) or isinstance(inspect.getattr_static(around, name, None), staticmethod):
        return False
    found = getattr(around, name)
    return hasattr(type(found), "__get__") and getattr(found, "__self__", None) is None


def _imported(reference: str, module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        if shadowed := shadowing(error):
            raise _error(
                f"{reference}: cannot be imported: {type(error).__name__}: {error}; {shadowed}",
                Problem(f"import error ({type(error).__name__}: {error}) of", given=reference, expected=shadowed),
            ) from error
        if not isinstance(error, ModuleNotFoundError):
            raise
        where = f"install it in the runner, or put it into the DAG folder{_standard(error.name or '')}"
        raise _error(
            f"{reference}: no module named {error.name!r}; {where}",
            Problem(
                f"module {error.name!r} not found, which is needed by",
                given=reference,
                expected=f"a module that exists: {where}",
            ),
        ) from error


def _error(message: str, problem: Problem) -> SpecError:
    return SpecError(message, problems=(problem,))


def _expected(module: ModuleType, name: str, around: object) -> str:
    """Return where the name was looked for, with a similar name of that place."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for an error

    near = get_close_matches(name, [one for one in dir(around) if not one.startswith("_")], n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"a function of {module.__name__}{_place(module)}{hint}{_standard(module.__name__)}"


def _place(module: ModuleType) -> str:
    return f" ({file})" if (file := getattr(module, "__file__", None)) else ""


def _standard(module_name: str) -> str:
    """Return a hint: Python searches the standard library before the DAG folder."""
    top = module_name.partition(".")[0]
    hint = f"; {top} is a module of Python's standard library: rename a module of your own that has this name"
    return hint if is_standard(top) else ""
