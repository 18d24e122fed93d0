"""The tool ``job_failures``: which subtasks of a run failed, why, and the ends of their logs."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from airflow_mcp_provider.agents import arguments
from airflow_mcp_provider.agents.api import Api
from airflow_mcp_provider.agents.results import MOST_BYTES, Failure, Failures, FailureTexts
from airflow_mcp_provider.agents.shorten import cut, last, size, without_trace
from airflow_mcp_provider.client import calls
from airflow_mcp_provider.client.calls import Call, query_of
from airflow_mcp_provider.client.models import Run, Subtask, SubtaskState
from airflow_mcp_provider.client.run_names import RunName
from airflow_mcp_provider.client.streams import LogLine
from airflow_mcp_provider.errors import RequestFailed

ROOM = MOST_BYTES - 2_000
KEY_BYTES, STEP_BYTES, LINE_BYTES, ERROR_BYTES = 200, 60, 200, 700
LINES, TAIL = 15, 100
"""So many lines are shown at most, of the last ones that are read: a traceback takes some."""
PAGES = 5
"""The most requests for one result: a page may have fewer subtasks than its limit, and still a next one."""


async def job_failures(api: Api, given: arguments.JobFailures) -> Failures:
    """Read the failed subtasks of a run: key, reason, and the end of the log."""
    name = RunName.of(given.run)
    run = await api.send(calls.run(*name))
    found, more = await _failed(api, name, given.limit, given.cursor)
    room = ROOM // max(1, len(found))
    shown = [await _failure(api, name, subtask, room) for subtask in found]
    return Failures(
        run=given.run,
        state=run.state,
        failed=run.progress.failed if run.progress else None,
        next=more,
        from_job=FailureTexts(failures=shown, error=cut(run.error.text, ERROR_BYTES) if run.error else None),
        left_out=_left_out(run, more),
    )


def _left_out(run: Run, more: str | None) -> list[str]:
    further = [f"further failed subtasks: call job_failures with cursor {more!r}"] if more else []
    return [*further, *([] if run.done else ["failures after now: the run has not ended"])]


async def _failed(api: Api, name: RunName, limit: int, cursor: str | None) -> tuple[list[Subtask], str | None]:
    """Return failed subtasks, at most ``limit``, and the cursor of the next ones."""
    found: list[Subtask] = []
    for _ in range(PAGES):
        listing = calls.subtasks(*name, state=SubtaskState.FAILED, page=limit - len(found))
        page = await api.send(listing(cursor))
        found += page.items
        cursor = page.next
        if cursor is None or len(found) >= limit:
            break
    return found, cursor


async def _failure(api: Api, name: RunName, subtask: Subtask, room: int) -> Failure:
    found = Failure(
        key=cut(subtask.key, min(KEY_BYTES, room // 4)),
        step=cut(subtask.step, STEP_BYTES),
        attempts=subtask.attempt,
        code=subtask.error.code if subtask.error else None,
        reason=cut(subtask.error.text, room // 4) if subtask.error else None,
    )
    lines = [cut(line, min(LINE_BYTES, room // 5)) for line in await _log(api, name, subtask)]
    return found.model_copy(update={"log": last(lines, room - size(found.model_dump()))})


async def _log(api: Api, name: RunName, subtask: Subtask) -> list[str]:
    """Return the last lines of the log of a subtask."""
    path = calls.logs_path(name.job, name.run, subtask.key)
    query = query_of(step=subtask.step, tail=TAIL)
    try:
        return await api.send(Call("GET", path, _lines, query=query))
    except RequestFailed as error:
        return [f"the log cannot be read: {error.detail}"]


def _lines(content: bytes) -> list[str]:
    return [text for line in content.splitlines() if line.strip() and (text := _line(line))][-LINES:]


def _line(content: bytes) -> str:
    try:
        line = LogLine.model_validate_json(content)
    except ValidationError:
        return ""
    return "" if _of_trace(line) else ": ".join(_words(line))


def _of_trace(line: LogLine) -> bool:
    """Whether a line is part of a traceback, which has lines of source code; its last line is not indented."""
    text = str(line.event)
    return line.level == "error" and (text[:1].isspace() or text.startswith("Traceback (most recent"))


def _words(line: LogLine) -> Iterable[str]:
    if line.level and line.level.lower() not in {"info", "debug"}:
        yield line.level
    yield without_trace(str(line.event))
