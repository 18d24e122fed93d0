"""``items: {matrix: {os: [a, b], py: [x, y]}}``: every combination of some lists, written out when the spec is read.

The first name turns slowest, as the outermost of loops would. Behind the door there are only items.
"""

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

from airflow_mcp_provider.spec.faults import Path, fault
from airflow_mcp_provider.spec.values import frozen_json

MOST = 10_000
KEY = "matrix"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        KEY: {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array", "minItems": 1}},
    },
    "required": [KEY],
    "additionalProperties": False,
}


def written_out(value: object, check: Callable[[str, Path], str]) -> object:
    """Return the items of a matrix, each text in it checked; what is no mapping, as it is."""
    if not isinstance(value, dict):
        return value
    if [*value] != [KEY]:
        raise fault("is a mapping, but no matrix", allowed=f"[…, …] or {{{KEY}: {{name: [value, …], …}}}}")
    lists = _lists(value[KEY], check)
    if (count := prod(map(len, lists.values()))) > MOST:
        raise fault("has too many combinations", given=str(count), allowed=f"{MOST}", at=(KEY,))
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def _lists(matrix: object, check: Callable[[str, Path], str]) -> dict[str, list[Any]]:
    if not isinstance(matrix, dict) or not matrix:
        raise fault("must be a mapping with a list", allowed="{name: [value, …], …}", at=(KEY,), value=matrix)
    for name, values in matrix.items():
        if not isinstance(values, list | tuple) or not values:
            raise fault("must be a list with a value", allowed="[value, …]", at=(KEY, str(name)), value=values)
    frozen: Any = frozen_json(matrix, (KEY,), check)
    return dict(frozen)
