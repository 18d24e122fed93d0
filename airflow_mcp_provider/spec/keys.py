"""What to say of an unknown key: a typing mistake, or one that the design keeps for later.

Runs only when a spec has such a key.
"""

from collections.abc import Iterable

_LATER: dict[str, frozenset[str]] = {
    "": frozenset({"schedule", "misfire_grace", "coalesce"}),
    "plan": frozenset({"job"}),
    "report": frozenset({"container", "job"}),
    "steps": frozenset({"pod"}),
    "queue": frozenset({"max_pending", "per_submitter"}),
}


def unknown_key(place: str, key: object, known: Iterable[str]) -> str:
    """Return what is wrong with ``key`` in the mapping at the path ``place``, written without numbers."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for an error

    if key in _LATER.get(place, ()):
        return "is not available yet in this version"
    near = get_close_matches(str(key)[:100].lower(), tuple(known), n=1)
    return "is an unknown key" + (f", did you mean {near[0]}?" if near else "")
