"""Check a manifest with the models of the Kubernetes client.

The client itself ignores unknown keys and accepts wrong types, so that a typo in ``pod.override`` would go unnoticed.
The models define their keys (``attribute_map``) and types (``openapi_types``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubernetes.client import models

from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.spec.faults import Path, dotted, shown
from airflow_mcp_provider.spec.unknown_keys import unknown_field

_PLAIN: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a string"),
    "int": ((int,), "an integer"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "datetime": ((str,), "a time"),
    "date": ((str,), "a date"),
}
_QUANTITIES = (str, int, float)
_IN = re.compile(r"(?P<kind>list|dict)[\[(](?:str, )?(?P<inner>.+)[\])]")


def wrong(value: object, kind: str, path: Path) -> Iterator[Problem]:
    """Yield the problems of ``value``, at ``path``, that is not of the type ``kind`` of ``openapi_types``."""
    if kind == "object" or value is None:
        return
    if nested := _IN.fullmatch(kind):
        yield from _inside(value, nested["kind"], nested["inner"], path)
    elif kind in _PLAIN:
        kinds, expected = _PLAIN[kind]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kind != "bool"):
            yield _not_a(expected, value, path)
    else:
        yield from _model(value, getattr(models, kind), path)


def _inside(value: object, kind: str, inner: str, path: Path) -> Iterator[Problem]:
    if kind == "list" and isinstance(value, list | tuple):
        for number, each in enumerate(value):
            if each is None:
                yield _not_a("a value other than null", each, (*path, number))
            yield from wrong(each, inner, (*path, number))
    elif kind == "dict" and isinstance(value, Mapping):
        for name, each in value.items():
            if inner != "str" or not isinstance(each, _QUANTITIES) or isinstance(each, bool):  # cpu: 1 is a quantity
                yield from wrong(each, inner, (*path, name))
    else:
        expected = "a list" if kind == "list" else "a mapping"
        yield _not_a(expected, value, path)


def _model(value: object, model: type, path: Path) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield _not_a("a mapping", value, path)
        return
    names: dict[str, str] = {key: name for name, key in model.attribute_map.items()}  # type: ignore[attr-defined]
    for key, each in value.items():
        if key not in names:
            expected = f"one of {', '.join(names)}"
            yield Problem(unknown_field(key, names), dotted((*path, key)), expected=expected)
        else:
            yield from wrong(each, model.openapi_types[names[key]], (*path, key))  # type: ignore[attr-defined]
    yield from _missing(value, model, names, path)


def _missing(value: Mapping[str, Any], model: type, names: dict[str, str], path: Path) -> Iterator[Problem]:
    """Yield the error of the model's constructor, which checks the required fields."""
    try:
        model(**{names[key]: each for key, each in value.items() if key in names})
    except ValueError as error:
        yield Problem(f"invalid {model.__name__}: {error}", dotted(path))


def _not_a(expected: str, value: object, path: Path) -> Problem:
    return Problem("invalid value", dotted(path), given=shown(value, dotted(path)), expected=expected)
