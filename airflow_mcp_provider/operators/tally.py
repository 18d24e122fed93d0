"""What the report counts: the outcomes, page by page, against the number of subtasks that the server has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.runtime import size_limits
from airflow_mcp_provider.runtime.answer_types import Counts, FailedSubtask, StepCounts, TallyPage
from airflow_mcp_provider.runtime.outcome import Error, Outcome
from airflow_mcp_provider.spec.step import RUN

ENDS = ("succeeded", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Tallied:
    """How a run's subtasks ended; ``steps`` is empty for a job of one step, ``plan`` the state of the task plan."""

    plan: str
    subtasks: int
    succeeded: int
    failed: int
    skipped: int
    failures: list[FailedSubtask]
    steps: dict[str, StepCounts]


def counted(counts: Counts, pages: Iterable[TallyPage]) -> Tallied:
    """Count the run's subtasks by how they ended, each once, as its last step left it.

    A subtask without an outcome has failed: no run succeeds on less than it has done.
    """
    steps: dict[str, Counter[str]] = {}
    failures: list[FailedSubtask] = []
    for page in pages:
        failures += page.failures
        for step, one in page.steps.items():
            steps.setdefault(step, Counter()).update({name: getattr(one, name) for name in ENDS})
            steps[step]["subtasks"] = one.subtasks
    lost = [_lost(step, one) for step, one in steps.items() if _gone(one)]
    known = counts.reserved
    failed = min(sum(one["failed"] for one in steps.values()), known)
    skipped = min(sum(one["skipped"] for one in steps.values()), known - failed)
    each = {step: StepCounts(**{name: one[name] for name in ("subtasks", *ENDS)}) for step, one in steps.items()}
    return Tallied(
        plan=counts.plan,
        subtasks=known,
        succeeded=known - failed - skipped,
        failed=failed,
        skipped=skipped,
        failures=[*failures, *lost][: size_limits.FAILURES],
        steps={} if list(each) == [RUN] else each,
    )


def page(step: str, subtasks: int, outcomes: Sequence[Outcome], following: str | None = None) -> TallyPage:
    """Count outcomes of a step that has so many ``subtasks``; ``following`` is where the next page begins."""
    ends = Counter(outcome.status for outcome in outcomes)
    counts = StepCounts(subtasks, ends["success"], ends["failed"], ends["skipped"])
    failed = [_failure(outcome) for outcome in outcomes if outcome.status == "failed"]
    return TallyPage({step: counts}, failed[: size_limits.FAILURES], following)


def _failure(outcome: Outcome) -> FailedSubtask:
    error = outcome.error or Error(InvalidRow.__name__, "")
    step = None if outcome.step == RUN else outcome.step
    return FailedSubtask(outcome.key, error.type, error.message[:500], step)


def _gone(counts: Counter[str]) -> int:
    return counts["subtasks"] - sum(counts[name] for name in ENDS)


def _lost(step: str, counts: Counter[str]) -> FailedSubtask:
    """Count those without an outcome as failed, and report them."""
    gone = max(_gone(counts), 0)
    counts["failed"] += gone
    message = "they have no outcomes: their rows in the state store were removed"
    key = f"{gone} of {counts['subtasks']} subtasks"
    return FailedSubtask(key, InvalidRow.__name__, message, None if step == RUN else step)
