"""Replace a method of Airflow where Airflow has no hook. The modules ``airflow_internals`` list these methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def wrap(owner: Any, name: str, wrapper: Callable[[Method], Method]) -> None:  # noqa: ANN401 - a class or a module
    """Replace the method ``name`` of ``owner`` by ``wrapper(method)``, in this process."""
    setattr(owner, name, wrapper(getattr(owner, name)))
