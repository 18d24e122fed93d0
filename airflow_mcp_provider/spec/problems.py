"""From pydantic's errors to problems: one line each, with what is wrong, what was given and what is allowed.

Runs only when a spec is wrong.
"""

import json
from collections.abc import Iterable
from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.faults import FAULT, FIELD_VALUE, MOST_TOLD, Path, dotted, sentence, shortened, shown
from airflow_mcp_provider.spec.keys import unknown_key

_TAGGED = ("plan", "run", "report")  # unions: pydantic puts the form's tag into the path, after these
_UNION, _UNION_OF_STEP = 0, 2  # where they stand in a path: run, steps.1.run
_CONSEQUENCE = "default_factory_not_called"  # of another field's error, which is told
_KINDS = {
    "string_type": ("must be a string", 'a "string"'),
    "int_type": ("must be a whole number", "a whole number"),
    "float_type": ("must be a number", "a number"),
    "greater_than_equal": ("is too small", "a number"),
    "less_than_equal": ("is too large", "a number"),
    "literal_error": ("is not what this can be", "all"),
    "finite_number": ("is no finite number", "a number"),
    "model_type": ("must be a mapping", "a mapping"),
    "dict_type": ("must be a mapping", "a mapping"),
}


def spec_error(error: ValidationError, model: type[BaseModel]) -> SpecError:
    """Return the error for a user who built ``model`` with wrong values."""
    details = error.errors(include_url=False)
    details = [detail for detail in details if detail["type"] != _CONSEQUENCE]
    return told(_problem(detail, model) for detail in details[: MOST_TOLD + 1])


def told(problems: Iterable[Problem]) -> SpecError:
    """Return one error that tells all problems (of very many, the first), in the order of their lines."""
    ordered = tuple(sorted(problems, key=lambda problem: problem.line or 0))
    lines = [str(problem) for problem in ordered[:MOST_TOLD]]
    file = f"{ordered[0].file}: " if ordered and ordered[0].file else ""
    more = [f"{file}… and more"] if len(ordered) > MOST_TOLD else []
    return SpecError("\n".join(lines + more), problems=ordered)


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    place = _place(detail)
    return Problem(_message(detail, place, model), dotted(place))


def _place(detail: ErrorDetails) -> Path:
    place = tuple(key for key in detail["loc"] if key != "[key]")
    return (*_untagged(place), *detail.get("ctx", {}).get("at", ()))


def _untagged(place: Path) -> Path:
    union = _UNION_OF_STEP if place[:1] == ("steps",) else _UNION
    if place[union : union + 1] and place[union] in _TAGGED:
        return (*place[: union + 1], *place[union + 2 :])
    return place


def _message(detail: ErrorDetails, place: Path, model: type[BaseModel]) -> str:
    kind, around = detail["type"], _model_at(model, place[:-1])
    if kind == FAULT:
        return _fault_message(detail["ctx"], detail["input"], place)
    if kind == "extra_forbidden":
        return _unknown_message(place, around)
    field = around.model_fields.get(str(place[-1])) if around and place else None
    if kind == "missing":
        return sentence("is missing", allowed=_example(field))
    wrong, allowed = _KINDS.get(kind, (detail["msg"], ""))
    return sentence(wrong, shown(detail["input"], dotted(place)), allowed + _bounds(field))


def _fault_message(told: dict[str, Any], field_value: object, place: Path) -> str:
    value = field_value if told["value"] is FIELD_VALUE else told["value"]
    given = shown(value, dotted(place)) if told["given"] is None else shortened(told["given"])
    return sentence(told["wrong"], given, told["allowed"])


def _unknown_message(place: Path, around: type[BaseModel] | None) -> str:
    known = [name for name in (around.model_fields if around else ()) if name != "id"]  # a file's name is its id
    where = dotted(tuple(key for key in place[:-1] if isinstance(key, str)))
    return sentence(unknown_key(where, place[-1], known), allowed=", ".join(known))


def _model_at(model: type[BaseModel], place: Path) -> type[BaseModel] | None:
    found: Any = model
    for key in place:
        if isinstance(key, int):  # a part in a list of parts
            continue
        field = found.model_fields.get(key)
        found = _part_of(field.annotation) if field else None
        if found is None:
            return None
    return found  # type: ignore[no-any-return]  # a part, or the model itself


def _part_of(annotation: object) -> type[BaseModel] | None:
    """Return the part that a field holds: itself, or none, or many of it."""
    held = (annotation, *get_args(annotation))
    return next((one for one in held if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _example(field: FieldInfo | None) -> str:
    examples = (field.examples if field else None) or []
    return " or ".join(f"such as {json.dumps(example)}" for example in examples)


def _bounds(field: FieldInfo | None) -> str:
    """Return the field's bounds in words, if it has some."""
    marks = field.metadata if field else ()
    low = next((f" from {mark.ge}" for mark in marks if isinstance(mark, Ge)), "")
    high = next((f" to {mark.le}" for mark in marks if isinstance(mark, Le)), "")
    return low + high
