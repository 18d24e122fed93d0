"""The current time, and the times in rows: always with a time zone; we write UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pendulum
from pendulum import DateTime


def now() -> DateTime:
    """Return the current time in UTC."""
    return pendulum.now("UTC")


def parsed(value: object) -> DateTime | None:
    """Parse a time in ISO 8601 with a time zone, and return it in UTC; returns None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        # Not DateTime.fromisoformat: sums and differences of what that returns have no time zone.
        return pendulum.instance(found.astimezone(UTC)) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
