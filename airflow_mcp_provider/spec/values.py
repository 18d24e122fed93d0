"""JSON values inside a spec: checked, and immutable as the spec itself.

Used for the free-form data of a spec (items, params). The immutable types are subclasses of dict and list, so that
json, jsonschema and Airflow accept them.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, Self

from pydantic import AfterValidator, BeforeValidator

from airflow_mcp_provider.spec.faults import Path, fault

DEPTH = 32

_INT_BITS = 63
_EXPECTED = "a string, a number, true, false, null, a list or a mapping"

Json = str | int | float | bool | None | dict[str, Any] | list[Any]


class _Frozen:
    """An immutable container; a copy of it is the same object."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a job spec is frozen and cannot be changed; create a new one")

    __setitem__ = __delitem__ = __ior__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = popitem = remove = reverse = setdefault = sort = update = _refuse

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


class FrozenDict(_Frozen, dict[str, Any]):
    """An immutable dict; any change raises TypeError."""

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


class FrozenList(_Frozen, list[Any]):
    """An immutable list; any change raises TypeError."""

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return FrozenList, (list(self),)


def storable(text: str, at: Path = ()) -> str:
    """Return ``text`` if a database and an environment variable can store it, else raise the error of ``fault``."""
    if "\0" in text or not _encodes(text):
        raise fault("unsupported characters", given="", expected="text without null bytes and lone surrogates", at=at)
    return text


def frozen_json(value: object, at: Path = (), check: Callable[[str, Path], str] = storable) -> Json:
    """Return a JSON ``value`` as immutable types, with each string in it passed through ``check``.

    Raises the error of ``faults.fault``, with its path, for anything that is not JSON, too deep or too large.
    """
    if len(at) > DEPTH:
        raise fault("too many levels of nesting", expected=f"at most {DEPTH}", given="")
    if isinstance(value, dict):
        pairs = ((_name(key, at), inner) for key, inner in value.items())
        return FrozenDict((key, frozen_json(inner, (*at, key), check)) for key, inner in pairs)
    if isinstance(value, list | tuple):
        return FrozenList(frozen_json(inner, (*at, index), check) for index, inner in enumerate(value))
    return check(value, at) if isinstance(value, str) else _scalar(value, at)


def _text(text: str) -> str:
    return storable(text)  # one parameter only: pydantic would pass its own object as the second


Text = Annotated[str, AfterValidator(_text)]


def _listed(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise fault("invalid value", expected="a list: […, …]")
    return tuple(value)


# Converts a list of the spec into a tuple; put it last in the Annotated of a tuple field.
Listed = BeforeValidator(_listed)


def _scalar(value: object, at: Path) -> Json:
    if isinstance(value, int) and value.bit_length() > _INT_BITS:
        raise fault("integer too large for JSON", given="", expected='at most 64 bits, or a "string"', at=at)
    if isinstance(value, float) and not math.isfinite(value):
        raise fault("invalid number", given=str(value), expected="a finite number", at=at)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise fault("unsupported type", given=type(value).__name__, expected=_EXPECTED, at=at)


def _name(key: object, at: Path) -> str:
    if not isinstance(key, str):
        raise fault("invalid key", given=f"{key!r}"[:80], expected='a string (put it in "quotes")', at=at)
    return storable(key, at)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
