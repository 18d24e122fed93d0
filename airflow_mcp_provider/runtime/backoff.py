"""How often a subtask of a batch is tried, and how long it rests in between: ``retries`` without Airflow.

A batch is one task instance of Airflow, whose own tries are kept for lost runners.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tries:
    """The spec's ``retries``, its times in seconds."""

    attempts: int
    delay: float
    backoff: float
    max_delay: float

    def pause(self, tried: int) -> float:
        """Return how long to wait after so many tries."""
        try:
            wait = self.delay * self.backoff ** (tried - 1)
        except OverflowError:
            return self.max_delay
        return min(wait, self.max_delay)
