"""Whether two values are the same JSON: told apart as JSON tells them apart, not as Python does."""

import json
from collections.abc import Mapping
from typing import Any


def same(given: Any, got: Any) -> bool:
    """Compare exactly: ``1`` is not ``True`` and not ``1.0``; a tuple is a list, a key its text in JSON."""
    if isinstance(given, Mapping):
        return isinstance(got, dict) and _same_items(given, got)
    if isinstance(given, list | tuple):
        return isinstance(got, list) and len(given) == len(got) and all(map(same, given, got))
    if isinstance(given, bool) or given is None:
        return given is got
    # An enumeration's value is a text or a number of that kind; -0.0 is not 0.0.
    return isinstance(given, type(got)) and not isinstance(got, bool) and given == got and str(got) == _plain(given)


def _same_items(given: Mapping[Any, Any], got: dict[str, Any]) -> bool:
    """JSON has no other keys than texts, so ``json.dumps`` of Python makes them; two that become one must be refused."""
    names = {name if isinstance(name, str) else json.dumps(name): name for name in given}
    one_by_one = len(names) == len(given) and names.keys() == got.keys()
    return one_by_one and all(same(given[name], got[text]) for text, name in names.items())


def _plain(given: Any) -> str:
    """An enumeration's own ``__repr__`` tells its name, and ``int.__str__`` asks that."""
    for kind in (int, float):
        if isinstance(given, kind):
            return kind.__repr__(given)
    return str.__str__(given) if isinstance(given, str) else repr(given)
