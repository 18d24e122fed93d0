"""The status of a watch: what its last checks found. The trigger stores it, the API server and the shell show it.

It is a value in Airflow's asset state store, of the asset of the watch: it survives the triggerer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from airflow_mcp_provider.trigger.found import Found

KEY = "mcp.watch"
MESSAGE_KEY = "mcp.watch.message"
"""A message that was received, until its run is created."""
SCHEME = "x-mcp-watch"
"""Airflow stores a URI whose scheme begins with ``x-`` unchanged."""
REFRESH = timedelta(minutes=1)
"""How old the stored status of a watch gets where nothing changes: a write for each check would cost more than it."""
MOST_SILENT = timedelta(minutes=15)
"""A status that is older, and older than three checks, means that the watch does not check."""


def asset_name(job: str) -> str:
    """Return the name of the asset of a job's watch."""
    return f"job {job} has work"


def asset_uri(job: str) -> str:
    """Return the URI of the asset of a job's watch."""
    return f"{SCHEME}://{job}"


@dataclass(frozen=True)
class WatchStatus:
    """``last_check`` is when the last check began, ``pending`` whether it found work.

    ``error`` is the error of the last check and ``failures`` the number of failed checks since ``last_success``.
    ``alive`` is when the trigger was last known to work: it does not check while a run is active. ``every`` is the
    interval of the checks in seconds.
    """

    last_check: datetime
    pending: bool = False
    error: str | None = None
    failures: int = 0
    last_success: datetime | None = None
    alive: datetime | None = None
    every: float = 0.0

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        times = {"last_success": self.last_success, "alive": self.alive}
        texts = {name: None if time is None else time.isoformat() for name, time in times.items()}
        return {
            "last_check": self.last_check.isoformat(),
            "pending": self.pending,
            "error": self.error,
            "failures": self.failures,
            **texts,
            "every": self.every,
        }

    @classmethod
    def read(cls, value: object) -> Self | None:
        """Return the inverse of ``dump``; None for any other value."""
        if not isinstance(value, Mapping):
            return None
        try:
            success, alive = (None if one is None else datetime.fromisoformat(one) for one in _times(value))
            error = None if value["error"] is None else str(value["error"])
            last_check = datetime.fromisoformat(value["last_check"])
            failures, every = int(value["failures"]), float(value["every"])
            return cls(last_check, value["pending"] is True, error, failures, success, alive, every)
        except (KeyError, TypeError, ValueError):
            return None

    def seen(self, now: datetime) -> WatchStatus:
        """Return the status of a watch that works and does not check now."""
        return replace(self, alive=now)

    def is_silent(self, now: datetime) -> bool:
        """Return whether the trigger has not worked for so long that something is wrong."""
        limit = max(MOST_SILENT, 3 * timedelta(seconds=self.every))
        return now - max(self.last_check, self.alive or self.last_check) > limit

    def same(self, other: WatchStatus) -> bool:
        """Return whether people would see the same, apart from the times."""
        return (self.pending, self.error) == (other.pending, other.error)


def _times(value: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return value["last_success"], value["alive"]


def after(before: WatchStatus, found: Found, now: datetime) -> WatchStatus:
    """Return the status after a check that began ``now``."""
    if found.error is None:
        return WatchStatus(now, found.pending, last_success=now, every=before.every)
    return replace(before, last_check=now, pending=False, error=found.error, failures=before.failures + 1)
