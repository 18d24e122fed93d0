"""What may travel: the values that JSON, the line to Airflow (msgpack) and its database all have."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping

from airflow_mcp_provider.errors import InvalidPayload

MIN_INT, MAX_INT = -(2**63), 2**64 - 1
"""What msgpack has."""
MAX_DEPTH = 100


def plain(value: object, what: str) -> object:
    """Return ``value`` with texts as keys; raises InvalidPayload naming the place of what cannot travel."""
    return _plain(value, what, 0)


def _plain(value: object, place: str, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise InvalidPayload(f"the {place[:200]} is nested deeper than {MAX_DEPTH} levels, which is the most allowed")
    if isinstance(value, Mapping):
        return _object(value, place, depth)
    if isinstance(value, list | tuple):
        return [_plain(one, f"{place}[{index}]", depth + 1) for index, one in enumerate(value)]
    if isinstance(value, int) and not MIN_INT <= value <= MAX_INT:
        raise InvalidPayload(f"the {place[:200]} is an integer beyond 64 bits; write it as a text")
    return value


def _object(value: Mapping[object, object], place: str, depth: int) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, one in value.items():
        name = _name(key, place)
        if name in made:
            raise InvalidPayload(f"the {place[:200]} has two keys that are {name[:80]!r} in JSON")
        made[name] = _plain(one, f"{place}.{name}", depth + 1)
    return made


def _name(key: object, place: str) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool | float):
        return json.dumps(key)
    if isinstance(key, int) and MIN_INT <= key <= MAX_INT:
        return json.dumps(key)
    raise InvalidPayload(f"the {place[:200]} is not plain JSON: a key is a text, not {reprlib.repr(key)}")
