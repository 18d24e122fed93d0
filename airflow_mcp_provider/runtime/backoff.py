"""How often a subtask of a batch is retried, and the delay between two attempts: ``retries`` without Airflow.

A batch is one task instance of Airflow. Airflow's own retries of that task instance are for lost runners.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from airflow_mcp_provider.runtime.messages import Positive

Seconds = Annotated[float, Meta(ge=0, le=10**9)]


class Tries(Struct, frozen=True):
    """The spec's ``retries``, its times in seconds."""

    attempts: Positive
    delay: Seconds
    backoff: Annotated[float, Meta(ge=0, le=10**9)]
    max_delay: Seconds

    def pause(self, tried: int) -> float:
        """Return the seconds to wait after ``tried`` attempts."""
        try:
            wait = self.delay * self.backoff ** (tried - 1)
        except OverflowError:
            return self.max_delay
        return min(wait, self.max_delay)
