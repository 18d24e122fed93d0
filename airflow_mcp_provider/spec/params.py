"""A job's params: JSON Schema properties, checked before a run can be triggered with them.

Runs when a spec with params is read. jsonschema is what Airflow itself holds a run's conf against; here it
catches a wrong schema, or a default that its own schema refuses, while the author still looks at the file.
"""

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from airflow_mcp_provider.spec.faults import fault
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
        raise fault("is no name for a param", given="", allowed="letters, digits and _, at most 100, no digit first")
    return name


def _schema(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("must be a mapping", allowed="a JSON Schema property such as {type: string, default: …}")
    schema = FrozenDict(frozen_json(value))  # type: ignore[arg-type]  # a mapping stays one
    _refuse_references(schema)
    _check(schema)
    return schema


def _check(schema: FrozenDict) -> None:
    """Whatever jsonschema and ``re`` make of a schema, it is the schema's fault."""
    if not _plain(schema) or "default" in schema:
        import jsonschema  # noqa: F401, PLC0415 - its import is not what is bounded, and plain params do without it

    try:
        with bounded():
            if not _plain(schema):
                _check_schema(schema)
            _check_default(schema)
    except PydanticCustomError:
        raise
    except TakesTooLongError:
        wrong = "takes too long to check, as a pattern such as (a+)+$ does"
        raise fault(wrong, given="", allowed=f"a schema and a default that are checked in {MOST_S:g} s") from None
    except Exception as error:  # noqa: BLE001 - RecursionError, OverflowError, what else jsonschema and re may raise
        wrong = f"cannot be checked ({type(error).__name__})"
        raise fault(wrong, given=f"{error}"[:100], allowed="a JSON Schema that jsonschema can use") from None


def _refuse_references(schema: object, at: tuple[str | int, ...] = ()) -> None:
    """Refuse ``$ref`` and the like: reading a spec must never fetch a page, nor run in circles."""
    pairs = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in pairs:
        if isinstance(key, str) and key.startswith("$"):
            raise fault("is not supported", given="", allowed="a schema that stands alone", at=(*at, key))
        _refuse_references(value, (*at, key))


def _plain(schema: FrozenDict) -> bool:
    """Whether a schema has nothing that could be wrong: then jsonschema, a third of a spec's time, need not look."""
    kind = schema.get("type")
    known = "type" not in schema or (isinstance(kind, str) and kind in _KINDS)
    return known and all(isinstance(value, _PLAIN.get(key, ())) for key, value in schema.items() if key != "type")


def _check_schema(schema: FrozenDict) -> None:
    from jsonschema import Draft202012Validator as Draft  # noqa: PLC0415 - a spec without params pays nothing
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise

    of_schemas = Draft(Draft.META_SCHEMA, format_checker=Draft.FORMAT_CHECKER)
    if error := best_match(of_schemas.iter_errors(schema)):
        at = tuple(error.absolute_path)
        allowed = _TYPES if at[-1:] == ("type",) else _constraint(error)
        raise fault("is no JSON Schema", allowed=allowed, at=at, value=error.instance)


def _check_default(schema: FrozenDict) -> None:
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - likewise

    if "default" not in schema:
        return
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for error in validator.iter_errors(schema["default"]):
        at = ("default", *error.absolute_path)
        raise fault("does not fit its own schema", allowed=_constraint(error), at=at, value=error.instance)


def _constraint(error: "ValidationError") -> str:
    return f"{error.validator}: {json.dumps(error.validator_value)}"[:120]


def _apart(params: dict[str, FrozenDict]) -> FrozenDict:
    """Refuse names that differ in case alone: as MCP_PARAM_<NAME> they would be one."""
    seen: dict[str, str] = {}
    for name in params:
        if (first := seen.setdefault(name.upper(), name)) != name:
            raise fault(f"differs from {first} in case alone", given="", allowed="another name", at=(name,))
    return FrozenDict(params)


Params = Annotated[
    dict[Annotated[str, AfterValidator(_name)], Annotated[dict[str, Any], PlainValidator(_schema)]],
    AfterValidator(_apart),
    WithJsonSchema({"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": {"type": "object"}}),
]
