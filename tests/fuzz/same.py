"""Whether two values are the same JSON: told apart as JSON tells them apart, not as Python does."""

from collections.abc import Mapping
from typing import Any


def same(given: Any, got: Any) -> bool:
    """Compare exactly: ``1`` is not ``True`` and not ``1.0``, the key ``1`` not ``"1"``; a tuple is a list."""
    if isinstance(given, Mapping):
        return isinstance(got, dict) and _same_items(given, got)
    if isinstance(given, list | tuple):
        return isinstance(got, list) and len(given) == len(got) and all(map(same, given, got))
    if isinstance(given, bool) or given is None:
        return given is got
    # An enumeration's value is a text or a number of that kind; -0.0 is not 0.0.
    return isinstance(given, type(got)) and not isinstance(got, bool) and given == got and str(got) == _plain(given)


def _same_items(given: Mapping[Any, Any], got: dict[str, Any]) -> bool:
    texts = all(isinstance(name, str) for name in given)
    return texts and given.keys() == got.keys() and all(same(given[name], got[name]) for name in given)


def _plain(given: Any) -> str:
    for kind in (int, float, str):
        if isinstance(given, kind):
            return kind.__str__(given)
    return repr(given)
