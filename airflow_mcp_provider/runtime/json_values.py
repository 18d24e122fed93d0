"""What may travel: the values that JSON, the line to Airflow (msgpack) and its database all have."""

from __future__ import annotations

import itertools
import json
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload

MIN_INT, MAX_INT = -(2**63), 2**64 - 1
"""What msgpack has."""
MAX_DEPTH = 100
MAX_VALUES = 1_000_000
"""More than any value of an allowed size has. A value that holds another one twice has it twice in JSON."""


def plain(value: object, what: str) -> object:
    """Return ``value`` with texts as keys; raises InvalidPayload naming the place of what cannot travel."""
    return _plain(value, what, 0, itertools.count())


def _plain(value: object, place: str, depth: int, count: Iterator[int]) -> object:
    if next(count) > MAX_VALUES:
        raise InvalidPayload(f"the {place[:200]} is one of more than {MAX_VALUES} values, which is the most allowed")
    if depth > MAX_DEPTH:
        raise InvalidPayload(f"the {place[:200]} is nested deeper than {MAX_DEPTH} levels, which is the most allowed")
    if isinstance(value, Mapping):
        return _object(value, place, depth, count)
    if isinstance(value, list | tuple):
        return [_plain(one, f"{place}[{index}]", depth + 1, count) for index, one in enumerate(value)]
    if isinstance(value, int) and not MIN_INT <= value <= MAX_INT:
        raise InvalidPayload(f"the {place[:200]} is an integer beyond 64 bits; write it as a text")
    return value


def _object(value: Mapping[object, object], place: str, depth: int, count: Iterator[int]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, one in value.items():
        name = _name(key, place)
        if name in made:
            raise InvalidPayload(f"the {place[:200]} has two keys that are {name[:80]!r} in JSON")
        made[name] = _plain(one, f"{place}.{name}", depth + 1, count)
    return made


def _name(key: object, place: str) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool | float):
        return json.dumps(key)
    if isinstance(key, int) and MIN_INT <= key <= MAX_INT:
        return json.dumps(key)
    raise InvalidPayload(f"the {place[:200]} is not plain JSON: a key is a text, not {reprlib.repr(key)}")


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of what JSON text says; raises InvalidPayload where a name is there twice: one would be lost."""
    made = dict(pairs)
    if len(made) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise InvalidPayload(f"an object in JSON has the name {twice[:80]!r} twice")
    return made
