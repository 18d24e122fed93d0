"""Merge the values of a spec over the defaults of its folders.

The rules are those of JSON Merge Patch (RFC 7396): mappings are merged key by key, lists and scalars are replaced, and
``null`` takes an inherited value back. Two additions keep parts of different origins apart: values that mean something
only as a whole (the work, a param, a notification) are replaced, and a key replaces its alternatives (``steps`` the
inherited ``run``).

A ``schedule`` of defaults alone that has none of ``cron``, ``every``, … has values for the specs with a schedule. It is
none for the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_mcp_provider.spec.faults import Path

Values = Mapping[str, Any]
_ANY = "*"
_WHOLE = (
    ("plan",),
    ("run",),
    ("report",),
    ("params", _ANY),
    ("schedule", "watch"),
    ("schedule", "conf", _ANY),
    ("on", _ANY),
)
"""Paths of mappings that are replaced as a whole; ``*`` is any key."""
_ALTERNATIVES: Mapping[Path, tuple[str, ...]] = {
    (): ("run", "steps"),
    ("schedule",): ("cron", "every", "at", "after", "watch"),
}
"""Keys of which a spec has one, by the path of their mapping."""


def merged(layers: Iterable[Values]) -> dict[str, Any]:
    """Return the values of all ``layers``, of which the last one is the spec; a later one overrides those before it."""
    found: dict[str, Any] = {}
    own: Values = {}
    for own in layers:
        found = _over(found, own, ())
    if own.get("schedule") is None and _is_incomplete(found.get("schedule")):
        del found["schedule"]
    return found


def _is_incomplete(schedule: object) -> bool:
    return isinstance(schedule, dict) and not any(name in schedule for name in _ALTERNATIVES["schedule",])


def owners(layers: Sequence[Values]) -> dict[Path, int]:
    """Return for the path of each value of ``merged(layers)`` which layer it is from; of a mapping the last one."""
    found: dict[Path, int] = {}
    outer: dict[str, Any] = {}
    for number, values in enumerate(layers):
        found |= dict.fromkeys(_set_paths(outer, values, ()), number)
        outer = _over(outer, values, ())
    return {path: found[path] for path in _paths(outer, ())}


def _over(outer: Values, inner: Values, at: Path) -> dict[str, Any]:
    kept = dict(outer)
    for name in _replaced(outer, inner, at):
        del kept[name]
    for name, value in inner.items():
        if value is None and name in outer:
            kept.pop(name, None)
        elif _is_merged(outer.get(name), value, (*at, name)):
            kept[name] = _over(kept[name], value, (*at, name))
        else:
            kept[name] = value
    return kept


def _replaced(outer: Values, inner: Values, at: Path) -> list[str]:
    """Return the inherited keys in place of which ``inner`` has an alternative."""
    group = _ALTERNATIVES.get(at, ())
    chosen = any(inner.get(name) is not None for name in group)
    return [name for name in group if chosen and name in outer and name not in inner]


def _is_merged(outer: object, inner: object, at: Path) -> bool:
    if not (isinstance(outer, dict) and isinstance(inner, dict)):
        return False
    return not any(len(whole) == len(at) and all(map(_matches, whole, at)) for whole in _WHOLE)


def _matches(pattern: str, key: object) -> bool:
    return pattern in {_ANY, key}


def _set_paths(outer: Values, inner: Values, at: Path) -> Iterator[Path]:
    for name, value in inner.items():
        place = (*at, name)
        yield place
        if _is_merged(outer.get(name), value, place):
            yield from _set_paths(outer[name], value, place)
        else:
            yield from _paths(value, place)


def _paths(value: object, at: Path) -> Iterator[Path]:
    """Yield the path of each value below ``value``, of lists and mappings, too."""
    pairs: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for name, inner in pairs:
        yield (*at, name)
        yield from _paths(inner, (*at, name))
