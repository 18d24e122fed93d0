"""The params of a run from its conf, validated as Airflow validates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.spec.marker import PRIORITY


def params_of(schemas: Mapping[str, Mapping[str, Any]], conf: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each param: that of ``conf``, else its default.

    ``schemas`` are JSON Schemas by name. Raises InvalidPayload for a param without a value, and for a value that does
    not match its schema.
    """
    values = {name: conf.get(name, schema.get("default")) for name, schema in schemas.items()}
    if missing := [name for name, schema in schemas.items() if name not in conf and "default" not in schema]:
        raise InvalidPayload(f"missing value of the param {', '.join(missing)}; expected for example -c {missing[0]}=…")
    for name, schema in schemas.items():
        _check(name, values[name], schema)
    return values


def undeclared(schemas: Mapping[str, Any], conf: Mapping[str, Any]) -> list[str]:
    """Return the names in ``conf`` that are not params; they do not reach the work."""
    return sorted(str(name) for name in conf.keys() - schemas.keys() - {PRIORITY})


def _check(name: str, value: object, schema: Mapping[str, Any]) -> None:
    from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.1 s
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise

    if error := best_match(Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value)):
        given = redaction.shown(error.instance)
        raise InvalidPayload(
            f"invalid value {given} of the param {name}; expected {error.validator}: {error.validator_value}"
        )
