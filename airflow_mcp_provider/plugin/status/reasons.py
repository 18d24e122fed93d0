"""Why a run waits, how it ended, and what went wrong: a stable word and a text each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_mcp_provider.client.models import RunState, Why
from airflow_mcp_provider.plugin.db import run_notes
from airflow_mcp_provider.plugin.db.run_end import End
from airflow_mcp_provider.plugin.status.queues import Queue
from airflow_mcp_provider.plugin.status.run_rows import RunRow

REPORT_FAILED = "report_failed"
"""The error has what the report has raised: an XCom."""
REPORT_RAISED = "the report failed:"
"""In the note of such a run, before what the report has raised (``operators.report``, ``operators.run_result``)."""
LINE = 300
"""Characters of a reason in a list."""
NOT_REPORTED = "the run ended without the result of its report; see the logs of its tasks"


def of(row: RunRow, state: RunState, queue: Queue | None, now: datetime) -> Why | None:
    """Return the reason of a state; None for a run that is running, or that completed with subtasks."""
    if state is RunState.QUEUED:
        return _waits(row, queue or Queue(), now)
    if row.end is not None and state in {RunState.CANCELLING, RunState.CANCELLED, RunState.TIMEOUT}:
        return _why(row.end)
    if state is RunState.PARTIAL:
        return Why(code="partial", text=_own_note(row) or "some subtasks failed, as many as the job tolerates")
    if state is RunState.COMPLETED and row.report == "nothing to do":
        return Why(code="nothing_to_do", text="plan found no subtasks")
    return None


def in_short(row: RunRow, state: RunState, queue: Queue | None, now: datetime) -> Why | None:
    """Return the reason of a state as a list has it: in one line, and of a failed run what went wrong.

    What a report has raised is an XCom, for which a list asks no permission.
    """
    why = _failed(row) if state is RunState.ERROR else of(row, state, queue, now)
    return why and Why(code=why.code, text=why.text.partition("\n")[0][:LINE])


def _failed(row: RunRow) -> Why:
    if row.end is not None:
        return _why(row.end)
    note = _own_note(row).removeprefix("failed:").strip()
    if REPORT_RAISED in note:
        return Why(code=REPORT_FAILED, text="the report failed; see the run")
    return Why(code="failed", text=note or NOT_REPORTED)


def _why(end: End) -> Why:
    by = f" by {end.by}" if end.by else ""
    return Why(code=end.reason, text=end.text or f"{end.reason}{by}")


def _waits(row: RunRow, queue: Queue, now: datetime) -> Why:
    if row.paused:
        return Why(code="paused", text=f"job {row.job} is paused; resume it to start its runs")
    if row.run_after > now:
        return Why(code="not_before", text=f"the run may start at {row.run_after:%Y-%m-%dT%H:%M:%SZ}")
    ahead = (queue.position(row.run_id) or 1) - 1
    if ahead:
        others = "1 run of the job is" if ahead == 1 else f"{ahead} runs of the job are"
        return Why(code="behind", text=f"{others} ahead in the queue; {queue.waiting[0]} is next")
    if queue.holder is not None:
        return Why(code="holder_running", text=f"{queue.holder.run} is running")
    note = _own_note(row)
    if note.startswith(run_notes.WAITING):
        return Why(code="waiting", text=note.removeprefix(run_notes.WAITING).strip())
    return Why(code="starting", text="the run is next in the queue; the scheduler starts it soon")


def error(row: RunRow, state: RunState, report: Any) -> Why | None:  # noqa: ANN401 - any JSON
    """Return what went wrong; None for a run that did not fail. ``report``: the result of its report."""
    if state is RunState.TIMEOUT and row.end is not None:
        return _why(row.end)
    if state is not RunState.ERROR:
        return None
    if row.end is not None:
        return _why(row.end)
    note = _own_note(row).removeprefix("failed:").strip()
    if not isinstance(report, dict):
        return Why(code="no_result", text=note or NOT_REPORTED)
    failed = report.get("error")
    if isinstance(failed, dict):
        return Why(code=REPORT_FAILED, text=f"{failed.get('type')}: {failed.get('message')}")
    return _of_subtasks(report, note)


def _of_subtasks(report: dict[str, Any], note: str) -> Why:
    counts = {name: report.get(name) for name in ("subtasks", "succeeded", "failed", "skipped")}
    if not any(counts.values()):
        return Why(code="plan_failed", text=note or "plan failed; see its log")
    plain = ", ".join(f"{number} {name}" for name, number in counts.items())
    return Why(code="subtasks_failed", text=note or f"too many subtasks failed: {plain}")


def _own_note(row: RunRow) -> str:
    """Return the run's note where it is one of this package."""
    return row.note or "" if run_notes.ours(row.note) else ""


def persons_note(row: RunRow) -> str | None:
    """Return the run's note where a person wrote it."""
    return None if run_notes.ours(row.note) else row.note
