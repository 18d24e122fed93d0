"""Attempts whose pod has not started, or does not exist yet, and for which a reason is stored.

Later events of such a pod are not new reasons: the executor gives up and deletes the pod, and then Kubernetes reports
exit code 137 for its container, which never started.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.runtime.pod_reasons import Reason, reason


class Waiting:
    """The attempts of one scheduler."""

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()

    def __contains__(self, attempt: Attempt) -> bool:
        return attempt in self._attempts

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Add attempts whose reason was stored."""
        self._attempts.update(attempts)

    def reason(self, attempt: Attempt, pod: Any, kind: str) -> Reason | None:  # noqa: ANN401 - a V1Pod
        """Return the reason to store after an event; None: nothing, or it is stored already."""
        return None if self._given_up(attempt, pod) else reason(pod, kind)

    def learn(self, attempt: Attempt, pod: Any, kind: str, found: Reason | None) -> None:  # noqa: ANN401 - a V1Pod
        """Update the attempts after the reason ``found`` was stored."""
        if found and not found.over:
            self._attempts.add(attempt)
        elif pod.status.phase != "Pending" and (kind == "DELETED" or not self._given_up(attempt, pod)):
            self._attempts.discard(attempt)

    def _given_up(self, attempt: Attempt, pod: Any) -> bool:  # noqa: ANN401 - a V1Pod
        return attempt in self._attempts and bool(pod.metadata.deletion_timestamp)
