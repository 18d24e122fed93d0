"""The explanation of a job as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_mcp_provider.spec import printable

if TYPE_CHECKING:
    from airflow_mcp_provider.cli.explained import Explained, NextRun, Task
    from airflow_mcp_provider.cli.resolved import Value

_WIDTH = 15
_LONGEST = 60
"""Characters of a value; the JSON output has all of it."""


def lines(job: Explained, values: Iterable[Value] = ()) -> Iterator[str]:
    """Yield the lines; what the author wrote has escapes for characters that are not printable."""
    yield f"{job.job}  ({job.file})"
    yield from (f"  {printable(line)}" for line in job.description.strip().splitlines())
    yield ""
    yield from _fact("DAG", [_order(job.tasks)])
    for task in job.tasks:
        yield from _fact(f"  {task.name}", _task(task))
    yield from _fact("params", [", ".join(job.params)] if job.params else [])
    yield from _fact("failures", [f"{job.tolerate} of the subtasks may fail in a successful run"])
    yield from _fact("time limits", [job.time_limits or "none"])
    yield from _fact("runners", _runners(job))
    yield from _fact("queue", job.queue)
    yield from _fact("schedule", job.schedule)
    yield from _fact("next runs", [_next(one, job.timezone) for one in job.next_runs])
    yield from _fact("notifications", job.notifications)
    yield from _values(values)


def _fact(name: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield a name with its texts below each other."""
    for number, text in enumerate(texts):
        yield f"{'' if number else name:<{_WIDTH}} {printable(text)}"


def _order(tasks: tuple[Task, ...]) -> str:
    shown = [f"{task.name}[0 … n]" if task.mapped else task.name for task in tasks if not task.name.endswith(".places")]
    return " → ".join(shown)


def _task(task: Task) -> Iterator[str]:
    yield task.work
    if task.mapped:
        at_once = f", {task.parallelism} at the same time" if task.parallelism else ""
        batch = f", up to {task.batch} in one runner" if task.batch and task.batch > 1 else ""
        yield f"at most {task.limit} subtasks in {task.depth} generations after the first{at_once}{batch}"
    if task.name.endswith(".places"):
        return
    yield f"{task.attempts} attempts{f', time limits {task.time_limits}' if task.time_limits else ''}"


def _runners(job: Explained) -> Iterator[str]:
    most = "without a bound" if job.runners.in_all is None else f"at most {job.runners.in_all}"
    yield f"at most {job.runners.at_once} at the same time, {most} in a run (pods, with the KubernetesExecutor)"
    yield from job.runners.reasons


def _next(run: NextRun, timezone: str) -> str:
    """Return a date in the zone of the schedule, with UTC beside it where that differs."""
    utc = datetime.fromisoformat(run.utc).astimezone(UTC)
    local = utc.astimezone(ZoneInfo(timezone))
    beside = "" if local.utcoffset() == utc.utcoffset() else f"  ({utc:%Y-%m-%d %H:%M:%S} UTC)"
    return f"{local:%a %Y-%m-%d %H:%M:%S %Z}{beside}"


def _values(values: Iterable[Value]) -> Iterator[str]:
    rows = [(one.path, _short(one.value), one.origin) for one in values]
    if not rows:
        return
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    yield ""
    for path, value, origin in rows:
        yield f"{printable(path):<{first}}  {printable(value):<{second}}  {printable(origin)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
