"""Specs that are nearly right: the jobs of this repository, bent and torn."""

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.fuzz import made

ROOT = Path(__file__).parents[2]
JOBS = sorted([*ROOT.glob("dags/jobs/*.yaml"), *ROOT.glob("tests/*/**/dags/jobs/*.yaml")])
SCHEMAS: tuple[Any, ...] = (
    {"type": "null", "default": 2},
    {"type": None, "default": 2},
    {"type": ["null", "string"], "default": None},
    {"type": ["string", "string"]},
    {"type": []},
    {"type": ["string", None]},
    {"type": [["string"]]},
    {"type": {"type": "string"}},
    {"type": "text"},
    {"type": 5, "default": 5},
    {"$ref": "#/x"},
    {"properties": {"a": {"$ref": "#"}}},
    {"enum": []},
    {"enum": [1, 2], "default": 3},
    {"enum": 5, "default": 5},
    {"const": None, "default": 1},
    {"type": "integer", "default": 2**63 - 1, "maximum": 1},
    {"type": "integer", "multipleOf": 0, "default": 1},
    {"type": "integer", "multipleOf": 1.0e-300, "default": 1},
    {"type": "number", "multipleOf": 0.1, "default": 2**62},
    {"minimum": "a", "default": 1},
    {"pattern": "(", "default": "x"},
    {"pattern": 5, "default": "x"},
    {"pattern": "^a$", "type": "string", "default": "b"},
    {"format": "regex", "default": "("},
    {"format": "date-time", "type": "string", "default": "yesterday"},
    {"format": "idn-email", "default": "x"},
    {"format": 5, "default": 1},
    {"items": [], "default": [1]},
    {"items": {"type": "null"}, "default": [1]},
    {"properties": 5, "default": {}},
    {"properties": {"a": {"type": "null"}}, "default": {"a": 1}},
    {"required": "a", "default": {}},
    {"anyOf": []},
    {"anyOf": [{"type": "null"}], "default": 2},
    {"not": {}, "default": 1},
    {"if": {}, "then": False, "default": 1},
    {"dependentSchemas": {"a": 5}, "default": {"a": 1}},
    {"patternProperties": {"(": {}}, "default": {"a": 1}},
    {"additionalProperties": False, "default": {"a": 1}},
    {"unevaluatedProperties": False, "default": {"a": 1}},
    {"uniqueItems": True, "default": [[1], [True], {"a": 1}]},
    {"maxLength": -1, "default": "x"},
    {"minItems": "x", "default": []},
    {"title": None, "description": 5},
    {"description_md": 5},
    {"section": [], "values_display": 5, "examples": 5},
    {"source": "dag", "value": 5, "schema": {}},
    {"default": None},
    {"default": {}, "type": "object"},
    {},
    True,
    None,
    5,
)


EMPTY: tuple[dict[str, Any], ...] = ({"steps": []}, {"steps": None}, {"run": None}, {"pod": {}}, {"subtasks": {}})


@cache
def _good() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load(path.read_text()) for path in JOBS)


def good(random: Random) -> dict[str, Any]:
    """A job of this repository, as plain values of its own."""
    copied: dict[str, Any] = json.loads(json.dumps(random.choice(_good())))
    return copied


def text(random: Random) -> str:
    """One spec as a file has it."""
    values: Any = good(random)
    for _ in range(random.randrange(4)):
        values = bent(values, random)
    written = _written(values, random)
    return _torn(written, random) if random.random() < 0.3 else written


def bent(values: Any, random: Random) -> Any:
    """Return ``values`` with one thing in it changed."""
    if random.random() < 0.15 and isinstance(values, dict):
        name = random.choice(("x", "X", "a", made.text(random)))
        return {**values, "params": {name: random.choice(SCHEMAS)}}
    if random.random() < 0.05 and isinstance(values, dict):
        return {**values, **random.choice(EMPTY)}
    return made.changed(values, random, lambda old: _other(old, random))


def _other(old: Any, random: Random) -> Any:
    """Another value in the place of ``old``: of another kind, from another job, or the same in another wrapping."""
    kind = random.randrange(5)
    if kind == 0:
        return [old]
    if kind == 1:
        return {made.text(random): old}
    if kind == 2:
        return random.choice([*good(random).values(), []])
    return made.nested(random.choice((5, 33, 60))) if kind == 3 and random.random() < 0.2 else made.value(random)


def _written(values: Any, random: Random) -> str:
    if random.random() < 0.2:
        return json.dumps(values)
    return str(yaml.safe_dump(values, allow_unicode=random.random() < 0.5, sort_keys=False))


def _torn(written: str, random: Random) -> str:
    """Return the text with some of it lost, doubled or replaced."""
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(written) + 1)
        end = min(len(written), at + random.randrange(12))
        piece = random.choice(("", written[at:end] * 2, made.text(random), random.choice(made.SYNTAX)))
        written = written[:at] + piece + written[end:]
    return written
