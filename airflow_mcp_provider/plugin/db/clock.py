"""The time now, and times as rows have them: always with a zone, which is UTC in what we write."""

from __future__ import annotations

import pendulum
from pendulum import DateTime


def now() -> DateTime:
    """Return the time now, in UTC."""
    return pendulum.now("UTC")


def parsed(value: object) -> DateTime | None:
    """Return a time in ISO 8601 with its zone, as we write it; None for anything else."""
    try:
        found = DateTime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
