"""A run of another job, as the subtask sees it that wants its result. Runs in the runner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_mcp_provider.errors import SubtaskError
from airflow_mcp_provider.runtime.answer_types import ChildRun

SHORTEST, LONGEST = timedelta(seconds=2), timedelta(minutes=1)


@dataclass(frozen=True)
class Called:
    """The server's ``answer``: the run, its state and, once it has ended, the result of its task report."""

    answer: ChildRun

    @property
    def pause(self) -> timedelta | None:
        """How long to stay away before the next look, the longer the longer it takes; None: it has ended."""
        if self.answer.state not in {"queued", "running"}:
            return None
        return min(max(timedelta(seconds=self.answer.waited / 4), SHORTEST), LONGEST)

    def result(self, job: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what its report returned (without one: its counts); raises SubtaskError when it failed."""
        report = self.answer.report if isinstance(self.answer.report, dict) else {}
        if self.answer.state == "success":
            return report["result"] if report.get("result") is not None else report
        reasons = [f"run {self.answer.run} of {job} ended as {self.answer.state}"]
        if error := report.get("error"):
            reasons.append(f"its report failed: {error['type']}: {error['message']}")
        reasons += [f"{one['key']}: {one['message']}" for one in report.get("failures", [])[:3]]
        raise SubtaskError("; ".join(reasons), kinds=("JobFailed",))
