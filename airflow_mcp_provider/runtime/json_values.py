"""The values that can be transferred: those of JSON, of msgpack (runner to supervisor) and of Airflow's database."""

from __future__ import annotations

import itertools
import json
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload

MIN_INT, MAX_INT = -(2**63), 2**64 - 1
"""The integers of msgpack."""
MAX_DEPTH = 100
MAX_VALUES = 1_000_000
"""More than any value of an allowed size has. A value that is contained twice counts twice, as in JSON."""


def plain(value: object, what: str) -> object:
    """Return ``value`` with strings as keys; raises InvalidPayload for a value that cannot be transferred.

    ``what`` is the name of the value in error messages.
    """
    return _plain(value, what, 0, itertools.count())


def _plain(value: object, place: str, depth: int, count: Iterator[int]) -> object:
    if next(count) > MAX_VALUES:
        raise InvalidPayload(f"too many values, at {place[:200]}; expected at most {MAX_VALUES}")
    if depth > MAX_DEPTH:
        raise InvalidPayload(f"too many levels of nesting, at {place[:200]}; expected at most {MAX_DEPTH}")
    if isinstance(value, Mapping):
        return _object(value, place, depth, count)
    if isinstance(value, list | tuple):
        return [_plain(one, f"{place}[{index}]", depth + 1, count) for index, one in enumerate(value)]
    if isinstance(value, int) and not MIN_INT <= value <= MAX_INT:
        raise InvalidPayload(f"integer too large at {place[:200]}; expected at most 64 bits, or a string")
    return value


def _object(value: Mapping[object, object], place: str, depth: int, count: Iterator[int]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, one in value.items():
        name = _name(key, place)
        if name in made:
            raise InvalidPayload(f"duplicate key {name[:80]!r} in {place[:200]}, after conversion to JSON")
        made[name] = _plain(one, f"{place}.{name}", depth + 1, count)
    return made


def _name(key: object, place: str) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool | float):
        return json.dumps(key)
    if isinstance(key, int) and MIN_INT <= key <= MAX_INT:
        return json.dumps(key)
    raise InvalidPayload(f"invalid key {reprlib.repr(key)} in {place[:200]}; expected a string")


def reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object from its pairs (``object_pairs_hook``); raises InvalidPayload for a duplicate name."""
    made = dict(pairs)
    if len(made) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise InvalidPayload(f"duplicate name {twice[:80]!r} in a JSON object")
    return made
