"""Placeholders ``{name}`` in a command's arguments, in items and in ``subtasks.key``; ``{{``, ``}}``: literal braces.

The syntax is checked when a spec is loaded; the runner replaces placeholders by values of the payload and of params.
Nothing is evaluated, so a payload cannot access Python attributes as with ``str.format``.
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
EXPECTED = "{name} with letters, digits and _, or {{ and }} for literal braces"


def names(text: str) -> tuple[str, ...]:
    """Return the names of the placeholders in order, each once; raises SpecError for a stray brace."""
    if stray := stray_brace(text):
        raise SpecError(sentence(f'invalid brace "{stray}" in', given=repr(text), expected=EXPECTED))
    return tuple(dict.fromkeys(found[1] for found in _PIECE.finditer(text) if found[1]))


def fill(text: str, values: Mapping[str, object]) -> str:
    """Return ``text`` with each placeholder replaced: strings unchanged, other values as JSON.

    Raises SpecError when ``values`` has no value for a placeholder.
    """
    return _PIECE.sub(lambda found: _filled(found, values), text)


def is_reversible(text: str, values: Mapping[str, str]) -> bool:
    """Whether the values can be read from the filled text: no value contains the text that follows its placeholder."""
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
    """Whether ``text`` begins with a placeholder, so that its value decides how the filled text begins."""
    first = _PIECE.match(text)
    return first is not None and first[1] is not None


def stray_brace(text: str) -> str:
    """Return the first brace that is not part of a placeholder or an escape, or an empty string."""
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
    known = ", ".join(sorted(values)) or "(none)"
    return sentence("unknown placeholder", f"{{{name}}}", f"a name of the payload or of params: {known}")
