"""Which attempts have a pod that has not begun, or none yet, and a reason for it that is noted.

What becomes of such a pod afterwards is no reason of its own: the executor gives it up and deletes it, and then
Kubernetes says that its container, which never began, has ended with 137.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.runtime.pod_reasons import Reason, reason


class Waiting:
    """What one scheduler's thread remembers of them."""

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()

    def __contains__(self, attempt: Attempt) -> bool:
        return attempt in self._attempts

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Remember those whose reason has been noted."""
        self._attempts.update(attempts)

    def reason(self, attempt: Attempt, pod: Any, kind: str) -> Reason | None:  # noqa: ANN401 - a V1Pod
        """Return what is to be noted after an event; None: nothing, or it is known."""
        return None if self._given_up(attempt, pod) else reason(pod, kind)

    def learn(self, attempt: Attempt, pod: Any, kind: str, found: Reason | None) -> None:  # noqa: ANN401 - a V1Pod
        """Remember what was ``found``, when it has been noted."""
        if found and not found.over:
            self._attempts.add(attempt)
        elif pod.status.phase != "Pending" and (kind == "DELETED" or not self._given_up(attempt, pod)):
            self._attempts.discard(attempt)

    def _given_up(self, attempt: Attempt, pod: Any) -> bool:  # noqa: ANN401 - a V1Pod
        return attempt in self._attempts and bool(pod.metadata.deletion_timestamp)
