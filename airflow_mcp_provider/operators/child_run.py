"""A run of another job, as the subtask sees it that wants its result. Runs in the runner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_mcp_provider.errors import SubtaskError

SHORTEST, LONGEST = timedelta(seconds=2), timedelta(minutes=1)


@dataclass(frozen=True)
class Called:
    """``waited``: seconds since it was made; ``report``: what its task report has left, once it has ended."""

    run: str
    state: str
    waited: float
    report: dict[str, Any] | None = None

    @property
    def pause(self) -> timedelta | None:
        """How long to stay away before the next look, the longer the longer it takes; None: it has ended."""
        if self.state not in {"queued", "running"}:
            return None
        return min(max(timedelta(seconds=self.waited / 4), SHORTEST), LONGEST)

    def result(self, job: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what its report returned (without one: its counts); raises SubtaskError when it failed."""
        report = self.report if isinstance(self.report, dict) else {}
        if self.state == "success":
            return report["result"] if report.get("result") is not None else report
        told = [f"its report failed: {error['type']}: {error['message']}"] if (error := report.get("error")) else []
        told += [f"{one['key']}: {one['message']}" for one in report.get("failures", [])[:3]]
        raise SubtaskError("; ".join([f"run {self.run} of {job} ended as {self.state}", *told]), kinds=("JobFailed",))
