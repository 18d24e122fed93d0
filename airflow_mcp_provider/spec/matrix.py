"""``items: {matrix: {os: [a, b], py: [x, y]}}``: all combinations of some lists, expanded when the spec is read.

The value of the first name changes slowest, as in nested loops. After validation a spec has only items.
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
    """Return the items of a matrix with each string in it passed through ``check``; any other value unchanged.

    Raises the error of ``faults.fault`` for a mapping that is not a matrix.
    """
    if not isinstance(value, dict):
        return value
    if [*value] != [KEY]:
        raise fault("invalid items", expected=f"[…, …] or {{{KEY}: {{name: [value, …], …}}}}")
    lists = _lists(value[KEY], check)
    if (count := prod(map(len, lists.values()))) > MOST:
        raise fault("too many combinations:", given=str(count), expected=f"at most {MOST}", at=(KEY,))
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def _lists(matrix: object, check: Callable[[str, Path], str]) -> dict[str, list[Any]]:
    if not isinstance(matrix, dict) or not matrix:
        raise fault("invalid matrix", expected="{name: [value, …], …}", at=(KEY,), value=matrix)
    for name, values in matrix.items():
        if not isinstance(values, list | tuple) or not values:
            raise fault("invalid values of a matrix", expected="[value, …]", at=(KEY, str(name)), value=values)
    frozen: Any = frozen_json(matrix, (KEY,), check)
    return dict(frozen)
