"""The tools of runs: ``submit_job``, ``job_status``, ``job_result``, ``cancel_run`` and ``retry_failed``."""

from __future__ import annotations

from airflow_mcp_provider.agents import arguments
from airflow_mcp_provider.agents.api import Api
from airflow_mcp_provider.agents.results import (
    MOST_BYTES,
    CancelResult,
    Counts,
    ResultTexts,
    RetryResult,
    RunResult,
    Status,
    StatusTexts,
    Submitted,
)
from airflow_mcp_provider.agents.shorten import MARK, cut, dumped
from airflow_mcp_provider.client import calls
from airflow_mcp_provider.client.models import Progress, Run, Why
from airflow_mcp_provider.client.run_names import RunName

TEXT_BYTES = 900
ROOM = MOST_BYTES - 2_000
"""For a result; the rest is for ids, an error, and what was left out."""


async def submit_job(api: Api, given: arguments.SubmitJob) -> Submitted:
    """Submit a run of a job; the same key returns the same run."""
    found = await api.send(calls.submit(given.job, given.params, key=given.key))
    return Submitted(
        run=str(RunName(given.job, found.run)), state=found.state, position=found.position, expected_start=found.eta
    )


async def job_status(api: Api, given: arguments.JobStatus) -> Status:
    """Read the state of a run, after its end or after ``wait`` seconds."""
    run = await api.send(calls.run(*RunName.of(given.run), wait=given.wait))
    return Status(
        run=given.run,
        state=run.state,
        done=run.done,
        position=run.position,
        reason_code=run.reason.code if run.reason else None,
        submitter=run.submitter,
        submitted=run.submitted,
        not_before=run.not_before,
        started=run.started,
        ended=run.ended,
        subtasks=_counts(run.progress) if run.progress else None,
        expected_end=run.progress.eta if run.progress else None,
        from_job=_status_texts(run),
        left_out=_next_tools(run),
    )


def _counts(progress: Progress) -> Counts:
    return Counts.model_validate(progress.model_dump(include=set(Counts.model_fields)))


def _status_texts(run: Run) -> StatusTexts | None:
    texts = {
        "reason": _text(run.reason),
        "error": _text(run.error),
        "message": _cut(run.progress.message if run.progress else None),
        "note": _cut(run.note),
    }
    return StatusTexts(**texts) if any(texts.values()) else None


def _next_tools(run: Run) -> list[str]:
    result = ["the result: call job_result"] if run.result is not None else []
    failed = run.progress is not None and run.progress.failed
    return [*result, *(["why subtasks failed: call job_failures"] if failed else [])]


def _text(why: Why | None) -> str | None:
    return _cut(why.text if why else None)


def _cut(text: str | None) -> str | None:
    return cut(text, TEXT_BYTES) if text else None


async def job_result(api: Api, given: arguments.JobResult) -> RunResult:
    """Read the result of a run: whole, or a part of its JSON from ``offset`` on."""
    run = await api.send(calls.run(*RunName.of(given.run)))
    text = None if run.result is None else dumped(run.result)
    whole = text is not None and given.offset == 0 and len(text.encode()) <= ROOM
    part = None if text is None or whole else _part(text[given.offset :])
    return RunResult(
        run=given.run,
        state=run.state,
        done=run.done,
        characters=None if text is None else len(text),
        from_job=ResultTexts(result=run.result if whole else None, result_text=part, error=_text(run.error)),
        left_out=_missing(run, text, given.offset, part),
    )


def _part(text: str) -> str:
    """Return the beginning of a text without a mark at its end: so parts can be joined."""
    found = cut(text, ROOM)
    return found if found == text else found.removesuffix(MARK)


def _missing(run: Run, text: str | None, offset: int, part: str | None) -> list[str]:
    if text is None:
        return [] if run.done else ["the result: the run has not ended; call job_status with wait"]
    if part is None:
        return []
    if offset >= len(text):
        return [f"everything: offset {offset}; expected less than {len(text)}"]
    end = offset + len(part)
    before = [f"characters 0 to {offset}"] if offset else []
    after = [f"characters {end} to {len(text)}: call job_result with offset={end}"] if end < len(text) else []
    return [*before, *after]


async def cancel_run(api: Api, given: arguments.CancelRun) -> CancelResult:
    """Cancel a run: no subtask of it starts after the result."""
    found = await api.send(calls.cancel(*RunName.of(given.run), reason=given.reason))
    return CancelResult(
        run=given.run, state=found.state, running=found.running, waiting=found.waiting, children=found.children
    )


async def retry_failed(api: Api, given: arguments.RetryFailed) -> RetryResult:
    """Run again what failed or was skipped in an ended run."""
    found = await api.send(calls.retry(*RunName.of(given.run)))
    return RetryResult(run=given.run, state=found.state, subtasks=found.subtasks)
