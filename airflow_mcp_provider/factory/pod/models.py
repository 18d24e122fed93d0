"""Hold a manifest against the models of the Kubernetes client.

The client itself drops unknown keys and lets wrong types pass, so a typing mistake in ``pod.override`` would be a pod
that quietly lacks something. Each model tells its keys (``attribute_map``) and their types (``openapi_types``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubernetes.client import models

from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.spec.faults import Path, dotted, sentence, shown

_PLAIN: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a string"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "datetime": ((str,), "a time"),
    "date": ((str,), "a date"),
}
_QUANTITIES = (str, int, float)
_IN = re.compile(r"(?P<kind>list|dict)[\[(](?:str, )?(?P<inner>.+)[\])]")


def wrong(value: object, kind: str, path: Path) -> Iterator[Problem]:
    """Give what of ``value``, at ``path``, does not fit the type ``kind`` as ``openapi_types`` names it."""
    if kind == "object" or value is None:
        return
    if nested := _IN.fullmatch(kind):
        yield from _inside(value, nested["kind"], nested["inner"], path)
    elif kind in _PLAIN:
        kinds, allowed = _PLAIN[kind]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kind != "bool"):
            yield _must_be(allowed, value, path)
    else:
        yield from _model(value, getattr(models, kind), path)


def _inside(value: object, kind: str, inner: str, path: Path) -> Iterator[Problem]:
    if kind == "list" and isinstance(value, list | tuple):
        for number, each in enumerate(value):
            if each is None:
                yield _must_be("a value", each, (*path, number))
            yield from wrong(each, inner, (*path, number))
    elif kind == "dict" and isinstance(value, Mapping):
        for name, each in value.items():
            if inner != "str" or not isinstance(each, _QUANTITIES) or isinstance(each, bool):  # cpu: 1 is a quantity
                yield from wrong(each, inner, (*path, name))
    else:
        expected = "a list" if kind == "list" else "a mapping"
        yield _must_be(expected, value, path)


def _model(value: object, model: type, path: Path) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield _must_be("a mapping", value, path)
        return
    names: dict[str, str] = {key: name for name, key in model.attribute_map.items()}  # type: ignore[attr-defined]
    for key, each in value.items():
        if key not in names:
            yield Problem(sentence(_unknown(key, names), allowed=", ".join(names)), dotted((*path, key)))
        else:
            yield from wrong(each, model.openapi_types[names[key]], (*path, key))  # type: ignore[attr-defined]
    yield from _missing(value, model, names, path)


def _missing(value: Mapping[str, Any], model: type, names: dict[str, str], path: Path) -> Iterator[Problem]:
    """Let the model's own constructor tell what it cannot do without."""
    try:
        model(**{names[key]: each for key, each in value.items() if key in names})
    except ValueError as error:
        yield Problem(f"is no {model.__name__}: {error}", dotted(path))


def _unknown(key: object, names: Mapping[str, str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for an error

    near = get_close_matches(str(key)[:100], [*names], n=1)
    return "is an unknown key" + (f", did you mean {near[0]}?" if near else "")


def _must_be(allowed: str, value: object, path: Path) -> Problem:
    return Problem(sentence(f"must be {allowed}", shown(value, dotted(path))), dotted(path))
