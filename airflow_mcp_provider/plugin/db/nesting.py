"""How deep a JSON value is nested. Most code that reads JSON calls itself for each level, and ends at some depth.

pydantic writes at most 255 levels, and Python reads at most about 1000.
"""

from __future__ import annotations

from typing import Any

MOST = 100
"""Levels of lists and objects that a conf may have."""
CUT = "…"


def too_deep(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether a value has more than ``MOST`` levels; looks level by level, whatever the depth."""
    level = [value]
    for _ in range(MOST):
        level = [inner for one in level for inner in _inside(one)]
    return any(isinstance(one, dict | list | tuple) for one in level)


def _inside(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return [*value.values()]
    return [*value] if isinstance(value, list | tuple) else []


def cut(value: Any, levels: int = MOST) -> Any:  # noqa: ANN401 - any JSON
    """Return a value with ``CUT`` in place of what is deeper: what was stored before may be."""
    if isinstance(value, dict):
        return {name: cut(one, levels - 1) for name, one in value.items()} if levels else CUT
    if isinstance(value, list | tuple):
        return [cut(one, levels - 1) for one in value] if levels else CUT
    return value
