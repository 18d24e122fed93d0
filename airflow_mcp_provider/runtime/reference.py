"""Import a function from its reference ``module.path:function``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.runtime.shadowed_modules import is_standard, shadowing


def resolve(reference: str) -> Callable[..., Any]:
    """Import ``module.path:name``; raises SpecError, with what is missing and where, if that is not possible."""
    module_name, _, name = reference.partition(":")
    module = _imported(reference, module_name)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise SpecError(
                f"{reference}: {module_name}{_place(module)} has no attribute {name!r}{_standard(module_name)}"
            )
        around, found = found, getattr(found, part)
    if not callable(found):
        raise SpecError(f"{reference} is of type {type(found).__name__} and not callable; expected a function")
    if needs_instance(around, part):
        raise SpecError(
            f"{reference} is a method of the class {around.__name__} and needs an instance; "
            "expected a function, a static or class method, or the method of an instance in the module"
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
            raise SpecError(f"{reference}: cannot be imported: {type(error).__name__}: {error}; {shadowed}") from error
        if not isinstance(error, ModuleNotFoundError):
            raise
        raise SpecError(
            f"{reference}: no module named {error.name!r}; install it in the runner, or put it into the DAG folder"
            f"{_standard(error.name or '')}"
        ) from error


def _place(module: ModuleType) -> str:
    return f" ({file})" if (file := getattr(module, "__file__", None)) else ""


def _standard(module_name: str) -> str:
    """Return a hint: Python searches the standard library before the DAG folder."""
    top = module_name.partition(".")[0]
    hint = f"; {top} is a module of Python's standard library: rename a module of your own that has this name"
    return hint if is_standard(top) else ""
