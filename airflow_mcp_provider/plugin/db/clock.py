"""The current time, and the times in rows: always with a time zone; we write UTC."""

from __future__ import annotations

import pendulum
from pendulum import DateTime


def now() -> DateTime:
    """Return the current time in UTC."""
    return pendulum.now("UTC")


def parsed(value: object) -> DateTime | None:
    """Parse a time in ISO 8601 with a time zone; returns None for anything else."""
    try:
        found = DateTime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
