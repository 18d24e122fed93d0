"""Convert pydantic's errors into problems: one line each, with the wrong value and the expected ones.

Runs only when a spec has errors.
"""

import json
from collections.abc import Iterable
from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.faults import FAULT, FIELD_VALUE, MOST_REPORTED, Path, dotted, shortened, shown
from airflow_mcp_provider.spec.unknown_keys import unknown_key

_TAGGED = ("plan", "run", "report")  # unions: pydantic adds the tag of the form to the path after these
_UNION, _UNION_OF_STEP = 0, 2  # their index in a path: run, steps.1.run
_CONSEQUENCE = "default_factory_not_called"  # follows from the error of another field, which is reported
_KINDS = {
    "string_type": ("invalid value", 'a string (put it in "quotes")'),
    "int_type": ("invalid value", "an integer"),
    "float_type": ("invalid value", "a number"),
    "greater_than_equal": ("number too small:", "a number"),
    "less_than_equal": ("number too large:", "a number"),
    "finite_number": ("invalid number", "a finite number"),
    "model_type": ("invalid value", "a mapping"),
    "dict_type": ("invalid value", "a mapping"),
}


def spec_error(error: ValidationError, model: type[BaseModel]) -> SpecError:
    """Return the SpecError for a ``ValidationError`` of ``model``."""
    details = error.errors(include_url=False)
    details = [detail for detail in details if detail["type"] != _CONSEQUENCE]
    return combined(_problem(detail, model) for detail in details[: MOST_REPORTED + 1])


def combined(problems: Iterable[Problem]) -> SpecError:
    """Return one SpecError for all problems, in the order of their lines; its message has the first 50."""
    ordered = tuple(sorted(problems, key=lambda problem: problem.line or 0))
    lines = [str(problem) for problem in ordered[:MOST_REPORTED]]
    file = f"{ordered[0].file}: " if ordered and ordered[0].file else ""
    more = [f"{file}… and more"] if len(ordered) > MOST_REPORTED else []
    return SpecError("\n".join(lines + more), problems=ordered)


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    place = _place(detail)
    message, given, expected = _parts(detail, place, model)
    return Problem(message, dotted(place), given=given, expected=expected)


def _place(detail: ErrorDetails) -> Path:
    place = tuple(key for key in detail["loc"] if key != "[key]")
    return (*_untagged(place), *detail.get("ctx", {}).get("at", ()))


def _untagged(place: Path) -> Path:
    union = _UNION_OF_STEP if place[:1] == ("steps",) else _UNION
    if place[union : union + 1] and place[union] in _TAGGED:
        return (*place[: union + 1], *place[union + 2 :])
    return place


def _parts(detail: ErrorDetails, place: Path, model: type[BaseModel]) -> tuple[str, str, str]:
    """Return what is wrong, the given and the expected value."""
    kind, around = detail["type"], _model_at(model, place[:-1])
    if kind == FAULT:
        return _of_fault(detail["ctx"], detail["input"], place)
    if kind == "extra_forbidden":
        return _of_unknown(place, around)
    field = around.model_fields.get(str(place[-1])) if around and place else None
    if kind == "missing":
        return "missing required key", "", _example(field)
    given = shown(detail["input"], dotted(place))
    if kind == "literal_error":
        return "unsupported value", given, detail["ctx"]["expected"].replace("'", "")
    wrong, expected = _KINDS.get(kind, (detail["msg"], ""))
    return wrong, given, expected + _bounds(field)


def _of_fault(details: dict[str, Any], field_value: object, place: Path) -> tuple[str, str, str]:
    value = field_value if details["value"] is FIELD_VALUE else details["value"]
    given = shown(value, dotted(place)) if details["given"] is None else shortened(details["given"])
    return details["wrong"], given, details["expected"]


def _of_unknown(place: Path, around: type[BaseModel] | None) -> tuple[str, str, str]:
    known = [name for name in (around.model_fields if around else ()) if name != "id"]  # the file name is the id
    where = dotted(tuple(key for key in place[:-1] if isinstance(key, str)))
    return unknown_key(where, place[-1], known), "", f"one of {', '.join(known)}" if known else ""


def _model_at(model: type[BaseModel], place: Path) -> type[BaseModel] | None:
    found: Any = model
    for key in place:
        if isinstance(key, int):  # an index into a list of parts
            continue
        field = found.model_fields.get(key)
        found = _part_of(field.annotation) if field else None
        if found is None:
            return None
    return found  # type: ignore[no-any-return]  # a part, or the model itself


def _part_of(annotation: object) -> type[BaseModel] | None:
    """Return the class of the parts in a field's annotation: the annotation itself, or an argument of it."""
    held = (annotation, *get_args(annotation))
    return next((one for one in held if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _example(field: FieldInfo | None) -> str:
    examples = (field.examples if field else None) or []
    return f"for example {' or '.join(map(json.dumps, examples))}" if examples else ""


def _bounds(field: FieldInfo | None) -> str:
    """Return the bounds of a field as text, empty when it has none."""
    marks = field.metadata if field else ()
    low = next((f" from {mark.ge}" for mark in marks if isinstance(mark, Ge)), "")
    high = next((f" to {mark.le}" for mark in marks if isinstance(mark, Le)), "")
    return low + high
