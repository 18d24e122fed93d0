"""Placeholders in a command's arguments, in items and in ``subtasks.key``: ``{name}``; ``{{``, ``}}`` are plain braces.

The syntax is checked when a spec is loaded; the runner fills in payload and params. Text replaces text:
nothing is evaluated, so a payload can never reach into Python as ``str.format`` would let it.
"""

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import sentence

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PIECE = re.compile(r"\{\{|\}\}|\{(" + _NAME + r")\}|[{}]")
_ALLOWED = "{name} of letters, digits and _; {{ and }} for plain braces"


def names(text: str) -> tuple[str, ...]:
    """Return the placeholders' names in order, each once; ``SpecError`` if a brace stands alone."""
    if stray := stray_brace(text):
        raise SpecError(
            sentence(f"has a {stray} that begins or ends no placeholder", given=repr(text), allowed=_ALLOWED)
        )
    return tuple(dict.fromkeys(found[1] for found in _PIECE.finditer(text) if found[1]))


def fill(text: str, values: Mapping[str, object]) -> str:
    """Return ``text`` with each placeholder replaced: strings as they are, other values as JSON."""
    return _PIECE.sub(lambda found: _filled(found, values), text)


def tells_apart(text: str, values: Mapping[str, str]) -> bool:
    """Whether the filled text tells what each value was: what follows a placeholder does not begin earlier."""
    marks = [found for found in _PIECE.finditer(text) if found[1]]
    for mark, following in itertools.pairwise(marks):
        value, parting = values[mark[1]], fill(text[mark.end() : following.start()], {})
        if not parting or (value + parting).find(parting) < len(value):
            return False
    return True


def fill_all(value: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON in, the same JSON out
    """Return a JSON value with each string in it filled; keys stay as they are."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: fill_all(inner, values) for key, inner in value.items()}
    return [fill_all(inner, values) for inner in value] if isinstance(value, list | tuple) else value


def begins_with_value(text: str) -> bool:
    """Tell whether the first thing in ``text`` is a placeholder: then its value says how the filled text begins."""
    first = _PIECE.match(text)
    return first is not None and first[1] is not None


def stray_brace(text: str) -> str:
    """Return the first brace that belongs to no placeholder and no escape, or nothing."""
    return next((found[0] for found in _PIECE.finditer(text) if len(found[0]) == 1), "")


def _filled(found: re.Match[str], values: Mapping[str, object]) -> str:
    name = found[1]
    if name is None:
        return found[0][0]
    if name not in values:
        raise SpecError(_missing(name, values))
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _missing(name: str, values: Mapping[str, object]) -> str:
    there = ", ".join(sorted(values)) or "none"
    return f"{{{name}}} has no value; given {there}; allowed the names in the payload and in params"
