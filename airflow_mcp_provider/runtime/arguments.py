"""The arguments of a function call: ``(subtask, params)``, or keyword arguments that match its parameters.

Runs in the process of the work. Keyword arguments are for functions that were written for something else (a Celery
task, an RQ job, any library): ``def add(x, y)`` gets the fields ``x`` and ``y`` of the payload.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.runtime.annotations import is_mapping

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL)
_ANY = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def bind_arguments(reference: str, function: Callable[..., Any], given: tuple[Any, ...], names: str) -> Arguments:
    """Return the positional and keyword arguments that ``function`` is called with.

    ``given`` are the possible arguments, the most important first; ``names`` are their names (``subtask, params``).
    If the function's first parameter has the name of a field in the first of them, every parameter gets the value of
    the field with its name, from the first or the second. Otherwise the function gets as many of ``given`` as it
    takes. Raises SpecError, with one problem without a path, when the signature matches neither form.
    """
    try:
        signature = _signature(function)
    except ValueError:  # a builtin without a signature
        return given[:1], {}
    ours = dict(zip(names.split(", "), given, strict=False))
    first = given[0] if given and isinstance(given[0], Mapping) else {}
    if _is_named(signature, first):
        return (), _named(reference, signature, first, ours)
    return _bound(reference, signature, ours)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # noqa: BLE001 - an annotation that only a type checker can read
        return inspect.signature(function)


def _is_named(signature: inspect.Signature, values: Mapping[str, Any]) -> bool:
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].kind in _BY_POSITION:
        return False
    return parameters[0].name in values or parameters[0].kind is Parameter.VAR_KEYWORD


def _named(
    reference: str, signature: inspect.Signature, first: Mapping[str, Any], ours: Mapping[str, Any]
) -> dict[str, Any]:
    """Match fields to parameters by name; every field of a payload must match, the params of the run need not."""
    kinds = {name: each.kind for name, each in signature.parameters.items()}
    form = len(ours) == 1
    values = {**ours, **({} if form else ours.get("params") or {}), **first}
    taken = {name: values[name] for name, kind in kinds.items() if name in values and kind not in _ANY}
    if Parameter.VAR_KEYWORD in kinds.values():
        taken = {**first, **taken}
    wrong = [f"missing argument {name}" for name in _required(signature) if name not in taken]
    if not form:
        wrong += [f"unexpected argument {name}" for name in first if name not in taken]
    if wrong:
        reasons, called = ", ".join(wrong), f"{reference}{signature}"
        fields = f"parameters for the fields {', '.join(first)}" if first else "no required parameters"
        raise _unfit(
            f"{called} cannot be called with keyword arguments: {reasons}",
            Problem(f"{reasons} of", given=called, expected=fields),
        )
    return taken


def _unfit(message: str, problem: Problem) -> SpecError:
    return SpecError(message, problems=(problem,))


def _required(signature: inspect.Signature) -> list[str]:
    parameters = signature.parameters.items()
    return [name for name, each in parameters if each.default is Parameter.empty and each.kind not in _ANY]


def _bound(reference: str, signature: inspect.Signature, ours: Mapping[str, Any]) -> Arguments:
    """Assign each of our values to the parameter of the same name, else to the next parameter that accepts it."""
    parameters = signature.parameters
    taken = {name: ours[name] for name, each in parameters.items() if name in ours and each.kind not in _ANY}
    rest = {name: value for name, value in ours.items() if name not in taken}
    for index, (name, each) in enumerate(parameters.items()):
        if rest and name not in taken and _is_meant(each, next(iter(rest)), index):
            taken[name] = rest.pop(next(iter(rest)))
    if lacking := [name for name in _required(signature) if name not in taken]:
        raise _unfit(
            f"{reference}{signature} cannot be called with ({', '.join(ours)}): missing argument {', '.join(lacking)}",
            Problem(
                f"missing argument {', '.join(lacking)} of",
                given=f"{reference}{signature}",
                expected=f"parameters for {', '.join(ours)}" if ours else "no required parameters",
            ),
        )
    first = next(iter(ours), "params")
    variadic = any(each.kind is Parameter.VAR_POSITIONAL for each in parameters.values())
    if parameters and not variadic and not taken and first != "params":
        raise _unfit(
            f"{reference}{signature} has no parameter for {first}; name one of its parameters {first}",
            Problem(
                f"missing parameter for {first} of",
                given=f"{reference}{signature}",
                expected=f"a parameter with the name {first}",
            ),
        )
    return _called(signature, taken, tuple(rest.values()))


def _is_meant(parameter: Parameter, name: str, index: int) -> bool:
    """Return whether a parameter of another name accepts our value; a parameter with a default never gets params."""
    if parameter.kind in _ANY or parameter.kind is Parameter.KEYWORD_ONLY:
        return parameter.kind is Parameter.KEYWORD_ONLY and name == "params" and is_mapping(parameter.annotation)
    if parameter.default is Parameter.empty:
        return True
    if is_mapping(parameter.annotation):
        return True
    return index == 0 and name != "params" and parameter.default is None


def _called(signature: inspect.Signature, taken: Mapping[str, Any], rest: tuple[Any, ...]) -> Arguments:
    """Pass parameters after an unset one by keyword; the rest goes to ``*args``."""
    bound = signature.bind_partial()
    last = max((index for index, name in enumerate(signature.parameters) if name in taken), default=-1)
    whole = True
    for index, (name, each) in enumerate(signature.parameters.items()):
        if each.kind is Parameter.VAR_POSITIONAL and whole:
            bound.arguments[name] = rest
        elif name in taken or (each.kind is Parameter.POSITIONAL_ONLY and index < last):
            bound.arguments[name] = taken.get(name, each.default)
        else:
            whole = False
    return bound.args, bound.kwargs
