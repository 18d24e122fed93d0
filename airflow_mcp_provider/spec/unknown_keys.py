"""The message for an unknown key: with a similar key, or that this version does not support it yet.

Runs only when a spec has such a key.
"""

from collections.abc import Iterable

from airflow_mcp_provider.spec.faults import shown

_LONGEST = 30
_LATER: dict[str, frozenset[str]] = {
    "plan": frozenset({"job"}),
    "report": frozenset({"container", "job"}),
    "steps": frozenset({"pod"}),
}


def unknown_key(place: str, key: object, known: Iterable[str]) -> str:
    """Return what is wrong with ``key`` in the mapping at the dotted path ``place``, which has no list indexes."""
    if key in _LATER.get(place, ()):
        return f"unsupported key {shown(key)} (not available in this version)"
    return _unknown(key, str(key).lower(), known)


def unknown_field(key: object, known: Iterable[str]) -> str:
    """Return what is wrong with ``key`` in an object of the Kubernetes API, whose fields are ``known``."""
    return _unknown(key, str(key), known)


def _unknown(key: object, spelling: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for an error

    near = get_close_matches(spelling[:100], tuple(known), n=1)
    return f"unknown key {_shown(key)}" + (f" (did you mean {near[0]}?)" if near else "")


def _shown(key: object) -> str:
    """Return a short text for a key: the path of the problem has more of it."""
    text = str(key)
    return shown(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
