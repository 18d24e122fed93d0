"""How a method of Airflow is replaced where Airflow has no hook. The ``airflow_internals`` say which methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def wrap(owner: Any, name: str, wrapper: Callable[[Method], Method]) -> None:  # noqa: ANN401 - a class or a module
    """Replace the method ``name`` of ``owner`` by what ``wrapper`` makes of it, for this process."""
    setattr(owner, name, wrapper(getattr(owner, name)))
