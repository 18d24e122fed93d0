"""From the text ``module.path:function`` to a function, checked before it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from airflow_mcp_provider.errors import SpecError


def resolve(reference: str) -> Callable[..., Any]:
    """Import ``module.path:name``. Raises SpecError: what was missing and where it was looked for."""
    module_name, _, name = reference.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise SpecError(
            f"{reference}: no module named {error.name!r}; it must be installed in the runner, or lie in the DAG folder"
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise SpecError(f"{reference}: {module_name} has no {name!r}")
        found = getattr(found, part)
    if not callable(found):
        raise SpecError(f"{reference}: a function is wanted, {type(found).__name__} is there")
    return found  # type: ignore[no-any-return]  # callable() narrows Any to a callable without a signature
