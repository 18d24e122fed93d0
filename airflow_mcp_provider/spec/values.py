"""JSON values inside a spec: checked, and frozen as the spec around them is.

Runs where a spec holds free-form data (items, params). The frozen forms are a dict and a list, so that
json, jsonschema and Airflow take them for what they are.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, Self

from pydantic import AfterValidator, BeforeValidator

from airflow_mcp_provider.spec.faults import Path, fault

DEPTH = 32

_INT_BITS = 63
_ALLOWED = "strings, numbers, true, false, null, lists and mappings"

Json = str | int | float | bool | None | dict[str, Any] | list[Any]


class _Frozen:
    """A container that refuses changes; a copy of it is itself."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a job spec is frozen: make a new one")

    __setitem__ = __delitem__ = __ior__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = popitem = remove = reverse = setdefault = sort = update = _refuse

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


class FrozenDict(_Frozen, dict[str, Any]):
    """A dict that refuses changes."""

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


class FrozenList(_Frozen, list[Any]):
    """A list that refuses changes."""

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return FrozenList, (list(self),)


def storable(text: str, at: Path = ()) -> str:
    """Return ``text`` if a database and a process environment can hold it."""
    if "\0" in text or not _encodes(text):
        raise fault("must have no null bytes or lone surrogates", given="", at=at)
    return text


def frozen_json(value: object, at: Path = (), check: Callable[[str, Path], str] = storable) -> Json:
    """Return ``value`` frozen, each string in it checked; a fault says where in it something is no JSON."""
    if len(at) > DEPTH:
        raise fault("is nested too deeply", allowed=f"{DEPTH} levels", given="")
    if isinstance(value, dict):
        pairs = ((_name(key, at), inner) for key, inner in value.items())
        return FrozenDict((key, frozen_json(inner, (*at, key), check)) for key, inner in pairs)
    if isinstance(value, list | tuple):
        return FrozenList(frozen_json(inner, (*at, index), check) for index, inner in enumerate(value))
    return check(value, at) if isinstance(value, str) else _scalar(value, at)


def _text(text: str) -> str:
    return storable(text)  # of one argument: to pydantic the second would be its own


Text = Annotated[str, AfterValidator(_text)]


def _listed(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise fault("must be a list", allowed="[…, …]")
    return tuple(value)


# Written as a list, kept as a tuple: put it last in the Annotated of a tuple field.
Listed = BeforeValidator(_listed)


def _scalar(value: object, at: Path) -> Json:
    if isinstance(value, int) and value.bit_length() > _INT_BITS:
        raise fault("is a number too large for JSON readers", given="", allowed='64 bits, or a "string"', at=at)
    if isinstance(value, float) and not math.isfinite(value):
        raise fault("is no JSON number", given=str(value), allowed="finite numbers", at=at)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise fault("is no JSON value", given=f"a {type(value).__name__}", allowed=_ALLOWED, at=at)


def _name(key: object, at: Path) -> str:
    if not isinstance(key, str):
        raise fault("has a key that is no string", given=f"the key {key!r}"[:80], allowed='"strings"', at=at)
    return storable(key, at)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
