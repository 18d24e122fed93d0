"""What the report counts: the outcomes that it is given, page by page, against what the server's counter has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.spec.step import RUN

ENDS = ("succeeded", "failed", "skipped")


def counted(known: int, pages: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Count ``known`` subtasks by how they ended, each once, as its last step left it; ``steps`` has all of each step.

    One of which there is no outcome has failed: no run succeeds on less than it has done.
    """
    steps: dict[str, Counter[str]] = {}
    failures: list[dict[str, str]] = []
    for page in pages:
        failures += page["failures"]
        for step, counts in page["steps"].items():
            steps.setdefault(step, Counter()).update({name: counts[name] for name in ENDS})
            steps[step]["subtasks"] = counts["subtasks"]
    lost = [_lost(step, counts) for step, counts in steps.items() if _gone(counts)]
    failed = min(sum(counts["failed"] for counts in steps.values()), known)
    skipped = min(sum(counts["skipped"] for counts in steps.values()), known - failed)
    ended = {"succeeded": known - failed - skipped, "failed": failed, "skipped": skipped}
    each = {step: {name: counts[name] for name in ("subtasks", *ENDS)} for step, counts in steps.items()}
    return {**ended, "failures": [*failures, *lost][: protocol.FAILURES], "steps": {} if list(each) == [RUN] else each}


def _gone(counts: Counter[str]) -> int:
    return counts["subtasks"] - sum(counts[name] for name in ENDS)


def _lost(step: str, counts: Counter[str]) -> dict[str, str]:
    """Count as failed those of which nothing is left, and tell of them."""
    gone = max(_gone(counts), 0)
    counts["failed"] += gone
    message = "nothing is known of them: their rows in the state store were removed"
    where = {} if step == RUN else {"step": step}
    return {"key": f"{gone} of {counts['subtasks']} subtasks", **where, "type": InvalidRow.__name__, "message": message}
