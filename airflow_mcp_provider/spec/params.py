"""The params of a job: JSON Schemas by name, checked when the spec is loaded.

Runs when a spec with params is read. Airflow validates a run's conf with jsonschema. Here the same library finds an
invalid schema, or a default that does not match its own schema, before a run is triggered.
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from airflow_mcp_provider.spec.faults import Path, fault, shown
from airflow_mcp_provider.spec.time_limit import MOST_S, TakesTooLongError, bounded
from airflow_mcp_provider.spec.values import FrozenDict, frozen_json

if TYPE_CHECKING:
    from jsonschema import ValidationError  # type: ignore[import-untyped]  # stubs are in types-jsonschema

_TYPES = 'string, number, integer, boolean, object, array, "null" (in quotes), or a list of these'
_KINDS = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_PLAIN: dict[str, type | tuple[type, ...]] = {"title": str, "description": str, "format": str, "default": object}
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"


def _name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise fault("invalid param name", expected="at most 100 letters, digits and _, the first not a digit")
    return name


def _schema(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("invalid value", expected="a JSON Schema, for example {type: string, default: …}")
    schema = FrozenDict(frozen_json(value))  # type: ignore[arg-type]  # a mapping stays one
    _refuse_references(schema)
    _check(schema)
    return schema


def _check(schema: FrozenDict) -> None:
    """Check a schema and its default; any exception of jsonschema or ``re`` is an error of the schema."""
    if not _plain(schema) or "default" in schema:
        import jsonschema  # noqa: F401, PLC0415 - outside the time limit; simple params do not need it

    try:
        with bounded():
            if not _plain(schema):
                _check_schema(schema)
            _check_default(schema)
    except PydanticCustomError:
        raise
    except TakesTooLongError:
        wrong = "timeout of the JSON Schema check (a pattern such as (a+)+$ can cause it)"
        raise fault(wrong, given="", expected=f"a schema and a default that are checked in {MOST_S:g} s") from None
    except Exception as error:  # noqa: BLE001 - RecursionError, OverflowError and others of jsonschema and re
        wrong = f"failure of the JSON Schema check ({type(error).__name__}):"
        raise fault(wrong, given=f"{error}"[:100], expected="a JSON Schema that jsonschema can use") from None


def _refuse_references(schema: object, at: tuple[str | int, ...] = ()) -> None:
    """Reject ``$ref`` and similar keys: loading a spec must not fetch a URL or follow a circular reference."""
    pairs = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in pairs:
        if isinstance(key, str) and key.startswith("$"):
            raise fault("unsupported key", given=shown(key), expected="a schema without references", at=(*at, key))
        _refuse_references(value, (*at, key))


def _plain(schema: FrozenDict) -> bool:
    """Whether a schema has only keys that are checked here; jsonschema takes a third of the time to load a spec."""
    kind = schema.get("type")
    known = "type" not in schema or (isinstance(kind, str) and kind in _KINDS)
    return known and all(isinstance(value, _PLAIN.get(key, ())) for key, value in schema.items() if key != "type")


def _check_schema(schema: FrozenDict) -> None:
    from jsonschema import Draft202012Validator as Draft  # noqa: PLC0415 - not needed without params
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise

    of_schemas = Draft(Draft.META_SCHEMA, format_checker=Draft.FORMAT_CHECKER)
    if error := best_match(of_schemas.iter_errors(schema)):
        at = tuple(error.absolute_path)
        expected = _TYPES if at[-1:] == ("type",) else _constraint(error)
        raise fault("invalid JSON Schema value", expected=expected, at=at, value=error.instance)


def _check_default(schema: FrozenDict) -> None:
    if "default" in schema:
        _check_value(schema, schema["default"], "default that does not match its schema:", ("default",))


def check_conf(params: Mapping[str, Any], conf: Mapping[str, Any]) -> None:
    """Check a conf with which runs start without a person: each param has a value, and each value matches.

    Raises the error of ``faults.fault`` with its path: ``conf`` and what is inside it.
    """
    if unknown := [name for name in conf if name not in params]:
        expected = ", ".join(params) or "a param of the job (it has none)"
        raise fault("unknown param", given=shown(unknown[0]), expected=expected, at=("conf", unknown[0]))
    if missing := [name for name, schema in params.items() if "default" not in schema and name not in conf]:
        expected = "a default in params, or a value here: a scheduled run starts without a person"
        raise fault("missing value of the param", given=missing[0], expected=expected, at=("conf",))
    for name, value in conf.items():
        _check_bounded(params[name], value, ("conf", name))


def _check_bounded(schema: Mapping[str, Any], value: object, at: Path) -> None:
    import jsonschema  # noqa: F401, PLC0415 - outside the time limit

    try:
        with bounded():
            _check_value(schema, value, "value that does not match its param:", at)
    except PydanticCustomError:
        raise
    except TakesTooLongError:
        expected = f"a param that is checked in {MOST_S:g} s"
        raise fault("timeout of the JSON Schema check", given="", expected=expected, at=at) from None
    except Exception as error:  # noqa: BLE001 - as of a schema
        wrong = f"failure of the JSON Schema check ({type(error).__name__}):"
        raise fault(wrong, given=f"{error}"[:100], expected="a value that matches its param", at=at) from None


def _check_value(schema: Mapping[str, Any], value: object, wrong: str, at: Path) -> None:
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - likewise

    for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value):
        expected = _constraint(error)
        raise fault(wrong, expected=expected, at=(*at, *error.absolute_path), value=error.instance)


def _constraint(error: "ValidationError") -> str:
    return f"{error.validator}: {json.dumps(error.validator_value)}"[:120]


def _apart(params: dict[str, FrozenDict]) -> FrozenDict:
    """Reject names that differ only in case: both would be the same variable MCP_PARAM_<NAME>."""
    seen: dict[str, str] = {}
    for name in params:
        if (first := seen.setdefault(name.upper(), name)) != name:
            expected = f"a name that differs from {first} not only in case"
            raise fault("ambiguous param name", given=shown(name), expected=expected, at=(name,))
    return FrozenDict(params)


Params = Annotated[
    dict[Annotated[str, AfterValidator(_name)], Annotated[dict[str, Any], PlainValidator(_schema)]],
    AfterValidator(_apart),
    WithJsonSchema({"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": {"type": "object"}}),
]
