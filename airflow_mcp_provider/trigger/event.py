"""The event that a watch emits, which creates a run, and what the scheduler reads of it. Pure functions.

Airflow stores it as the ``extra`` of an asset event: ``{"from_trigger": true, "payload": {"mcp.conf": {…},
"mcp.checked_at": "2026-12-01T09:00:00+00:00"}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

CONF, CHECKED_AT = "mcp.conf", "mcp.checked_at"
_PAYLOAD = "payload"


@dataclass(frozen=True)
class WatchEvent:
    """``conf`` is what the check returned. ``checked_at`` (aware) is when it began; None for a message of a queue."""

    conf: Mapping[str, Any]
    checked_at: datetime | None = None

    def dump(self) -> dict[str, Any]:
        """Return the payload of the trigger's event."""
        at = {} if self.checked_at is None else {CHECKED_AT: self.checked_at.isoformat()}
        return {CONF: dict(self.conf), **at}

    @classmethod
    def of_extra(cls, extra: object) -> Self | None:
        """Return the event in the ``extra`` of an asset event; None for the event of another origin."""
        payload = extra.get(_PAYLOAD) if isinstance(extra, Mapping) else None
        conf = payload.get(CONF) if isinstance(payload, Mapping) else None
        if not isinstance(payload, Mapping) or not isinstance(conf, Mapping):
            return None
        return cls(conf, _time(payload.get(CHECKED_AT)))

    def is_outdated(self, last_end: datetime | None) -> bool:
        """Return whether a run of the job has ended since the check.

        That run may have done the work, so a run for this event may have none. The watch checks again in any case. A
        message is never outdated. ``last_end``: the latest end of a run of the job, None where none has ended.
        """
        return self.checked_at is not None and last_end is not None and self.checked_at < last_end


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else None
