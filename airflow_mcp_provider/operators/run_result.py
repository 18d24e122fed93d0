"""The result of a run, made of the counts of its outcomes, and its one line for people.

Used by the task report and by ``local_run``. Imports nothing of Airflow.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from airflow_mcp_provider.operators.failure import failure_of
from airflow_mcp_provider.operators.tally import ENDS, Tallied
from airflow_mcp_provider.runtime.answer_types import FailedSubtask
from airflow_mcp_provider.runtime.messages import Message
from airflow_mcp_provider.runtime.outcome import Outcome
from airflow_mcp_provider.spec import PythonWork, Tolerate, Work

State = Literal["complete", "partial", "failed", "nothing to do"]
REASON_CHARS = 500
"""Of an error in a run's note."""


class RunResult(Message, frozen=True, kw_only=True, omit_defaults=False):
    """The run's result: how its subtasks ended; ``result`` is what the job's report function returned.

    ``steps`` is there for a job with steps, ``error`` where the report failed.
    """

    state: State
    subtasks: int
    succeeded: int
    failed: int
    skipped: int
    failures: list[FailedSubtask]
    steps: dict[str, dict[str, int]] | UnsetType = UNSET
    result: Any = None
    error: ReportError | UnsetType = UNSET


class ReportError(Message, frozen=True):
    """Why the report failed; its trace is in the log."""

    type: str
    message: str


def summary(counts: Tallied, state: State) -> RunResult:
    """Return the run's result, without what the job's function makes of it."""
    steps = {name: {end: getattr(step, end) for end in ("subtasks", *ENDS)} for name, step in counts.steps.items()}
    return RunResult(
        state=state,
        subtasks=counts.subtasks,
        succeeded=counts.succeeded,
        failed=counts.failed,
        skipped=counts.skipped,
        failures=counts.failures,
        steps=steps or UNSET,
    )


def brief(error: Exception) -> ReportError:
    """Return the error of a report, without its trace."""
    failure = failure_of(error)
    return ReportError(failure.type, failure.message)


def with_error(result: RunResult, error: Exception) -> RunResult:
    """Return the result of a run whose report failed."""
    return replace(result, state="failed", error=brief(error))


def listed(work: Work, outcomes: Iterable[Outcome], folder: Path) -> dict[str, Any]:
    """Give a command the outcomes as a file of JSON lines, named in ``$MCP_SUBTASK_OUTCOMES``."""
    if isinstance(work, PythonWork):
        return {}
    path = folder / "outcomes.jsonl"
    with path.open("w") as lines:
        lines.writelines(json.dumps(dataclasses.asdict(one), default=str) + "\n" for one in outcomes)
    return {"outcomes": str(path)}


def verdict(counts: Tallied, tolerate: Tolerate) -> State:
    """Return how a run with these counts ends."""
    if counts.plan != "success":
        return "failed"
    if not counts.subtasks:
        return "nothing to do"
    if counts.failed == counts.skipped == 0:
        return "complete"
    tolerated = not counts.skipped and tolerate.allows(counts.failed, counts.subtasks)
    return "partial" if tolerated else "failed"


def describe(result: RunResult, tolerate: str, plan: str) -> str:
    """One line for the run's note and the log, and a line for each of the first failures."""
    if plan != "success":
        return f"failed: plan ended as {plan}; see its log"
    if result.state == "nothing to do":
        return "nothing to do: plan found no subtasks"
    text = f"{result.state}: {_why(result)}{result.succeeded} of {result.subtasks} subtasks succeeded"
    if result.failed:
        text += f", {result.failed} failed (tolerated: {tolerate})"
    if result.skipped:
        text += f", {result.skipped} were not started"
    errors = [f"{one.key}: {one.message}" for one in result.failures[:3]]
    return "\n".join([text, *errors])


def _why(result: RunResult) -> str:
    """Return why the report failed, if it did."""
    return f"the report failed: {reason(result.error)}; " if isinstance(result.error, ReportError) else ""


def reason(error: ReportError) -> str:
    """Return an error in one line."""
    return " ".join(f"{error.type}: {error.message}".split())[:REASON_CHARS]
