"""What a function is called with: ``(subtask, params)``, or its own parameters by their names.

Runs in the work's process. Names exist for functions that were written for something else (a Celery task, an RQ job,
any library): ``def add(x, y)`` gets ``x`` and ``y`` of the payload, and need not know that payloads exist.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

from airflow_mcp_provider.errors import SpecError

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL)


def fitting(reference: str, function: Callable[..., Any], given: tuple[Any, ...], names: str) -> Arguments:
    """Return the arguments, by position and by name, that ``function`` is called with.

    ``given`` is what it may get, most important first, ``names`` how an error calls them. Where the function's first
    parameter has the name of a value in the first of them, all its parameters get the values of their names, there or
    in the second; otherwise it gets as many of the given as it takes. Raises SpecError when the signature fits neither.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin without a signature
        return given[:1], {}
    first = given[0] if given and isinstance(given[0], Mapping) else {}
    if _is_named(signature, first):
        return (), _named(reference, signature, first, given[1] if len(given) > 1 else None)
    return _positional(reference, signature, given, names), {}


def _is_named(signature: inspect.Signature, values: Mapping[str, Any]) -> bool:
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].kind in _BY_POSITION:
        return False
    return parameters[0].name in values or parameters[0].kind is Parameter.VAR_KEYWORD


def _named(
    reference: str, signature: inspect.Signature, first: Mapping[str, Any], second: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Take what the parameters are named like; a payload's fields must all be taken, a form's values need not."""
    kinds = {name: each.kind for name, each in signature.parameters.items()}
    values = {**(second or {}), **first}
    taken = {name: values[name] for name in kinds if name in values}
    if Parameter.VAR_KEYWORD in kinds.values():
        taken = {**first, **taken}
    wrong = [f"nothing is named {name}" for name in _required(signature) if name not in taken]
    if second is not None:
        wrong += [f"it takes no {name}" for name in first if name not in taken]
    if wrong:
        raise SpecError(f"{reference}{signature}: is called by names, but {', '.join(wrong)}")
    return taken


def _required(signature: inspect.Signature) -> list[str]:
    optional = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    parameters = signature.parameters.items()
    return [name for name, each in parameters if each.default is Parameter.empty and each.kind not in optional]


def _wanted(signature: inspect.Signature) -> int:
    """Return how many positional arguments are meant for us: an optional one after the first by its name or type."""
    parameters = list(signature.parameters.values())
    if any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        return len(parameters) + 1
    ours = [each for index, each in enumerate(parameters) if index == 0 or _is_ours(each)]
    return len(ours) if ours == parameters[: len(ours)] else 1


def _is_ours(parameter: Parameter) -> bool:
    kind = str(getattr(parameter.annotation, "__name__", parameter.annotation)).partition("[")[0].rpartition(".")[2]
    return parameter.default is Parameter.empty or parameter.name == "params" or kind in {"dict", "Mapping"}


def _positional(reference: str, signature: inspect.Signature, given: tuple[Any, ...], names: str) -> tuple[Any, ...]:
    for count in range(min(len(given), _wanted(signature)), -1, -1):
        try:
            signature.bind(*given[:count])
        except TypeError:
            continue
        return given[:count]
    raise SpecError(f"{reference}: is called as ({names}), but its signature is {signature}")
