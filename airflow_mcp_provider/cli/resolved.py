"""Each value of a job with the place where it is from: a line of its file or of ``_defaults.yaml``, or a default.

Runs for ``airflow mcp explain --resolved``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mcp_provider.spec.faults import dotted, shown

if TYPE_CHECKING:
    from airflow_mcp_provider.spec import JobSpec
    from airflow_mcp_provider.spec.defaults import Sources

BUILT_IN = "default"
_HIDDEN = '"(hidden)"'
_LISTS = {("steps",), ("on",)}
"""Keys with lists of mappings, of which each value is shown. The lists of other keys are one value."""
_NOT_GIVEN = object()
_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Value:
    """A value of a job as JSON, at a dotted path; ``origin`` is ``file:line``, or ``default``."""

    path: str
    value: str
    origin: str


def resolved(spec: JobSpec, sources: Sources) -> tuple[Value, ...]:
    """Return the values of all keys that are set, or that have a default other than none."""
    dumped = spec.model_dump(mode="json", exclude={"id"}, exclude_none=True)
    return tuple(_values(dumped, sources.values, (), sources))


def _values(value: Any, given: Any, path: _Path, sources: Sources) -> Iterator[Value]:  # noqa: ANN401 - any JSON
    if value and isinstance(value, Mapping) and (given is _NOT_GIVEN or isinstance(given, Mapping)):
        raw = given if isinstance(given, Mapping) else {}
        for key, inner in value.items():
            yield from _values(inner, raw.get(key, _NOT_GIVEN), (*path, key), sources)
    elif path[:1] in _LISTS and isinstance(value, list) and isinstance(given, Mapping):  # one value for a list of one
        yield from _values(value[0], given, path, sources)
    elif path[:1] in _LISTS and value and isinstance(value, list) and isinstance(given, list):
        for index, (inner, raw) in enumerate(zip(value, given, strict=True)):
            yield from _values(inner, raw, (*path, index), sources)
    elif given is not _NOT_GIVEN:
        yield Value(dotted(path), _text(value, path), _origin(path, sources))
    elif value not in ([], {}, ""):
        yield Value(dotted(path), _text(value, path), BUILT_IN)


def _origin(path: _Path, sources: Sources) -> str:
    """Return the place of the value, or of the nearest parent that a file has."""
    for length in range(len(path), 0, -1):
        if found := sources.origin(dotted(path[:length])):
            return str(found)
    return BUILT_IN


def _text(value: Any, path: _Path) -> str:  # noqa: ANN401 - any JSON
    hidden = shown("", dotted(path)) == "(hidden)"
    return _HIDDEN if hidden else re.sub(r"\s+", " ", json.dumps(value, ensure_ascii=False))
