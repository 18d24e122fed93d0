"""Documents as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from rich import box
from rich.table import Table
from rich.text import Text

from airflow_mcp_provider.client.models import (
    Accepted,
    Cancelled,
    Job,
    JobSummary,
    Retried,
    Run,
    RunSummary,
    WatchState,
)
from airflow_mcp_provider.console import text

MARKS = {"completed": "✔", "partial": "◐", "error": "✘", "timeout": "⏱", "cancelled": "⊘"}

_MOST_CHARS = 2_000


def state(found: str) -> Text:
    """Return a state in its color."""
    return Text(found, style=text.STYLES.get(found, ""))


def run(found: Run) -> Table:
    """Return the document of a run."""
    progress = found.progress
    rows: list[tuple[str, str | Text]] = [
        ("run", text.clean(found.run)),
        ("job", text.clean(found.job)),
        ("state", state(found.state)),
        ("position", f"{text.ordinal(found.position)} in the queue" if found.position else ""),
        ("reason", text.why(found.reason)),
        ("subtasks", text.counts(progress)),
        ("steps", text.steps(progress)),
        ("parallelism", str(found.parallelism or "")),
        ("message", text.clean(progress.message) if progress and progress.message else ""),
        ("expected end", text.moment(progress.eta) if progress else ""),
        ("submitted", _submitted(found)),
        ("not before", text.moment(found.not_before) if found.started is None else ""),
        ("started", text.moment(found.started)),
        ("took", text.took(found)),
        ("conf", text.value(found.conf) if found.conf else ""),
        ("note", text.clean(found.note or "")),
        ("error", text.lines(found.error.text) if found.error else ""),
        ("result", text.value(found.result) if found.result is not None else ""),
    ]
    return _pairs(rows)


def _submitted(found: Run) -> str:
    by = f" by {text.clean(found.submitter)}" if found.submitter else ""
    return f"{text.moment(found.submitted)}{by}"


def accepted(job: str, found: Accepted) -> Table:
    """Return the answer to a submit."""
    return _pairs(
        [
            ("run", text.clean(found.run)),
            ("job", text.clean(job)),
            ("state", state(found.state)),
            ("position", f"{text.ordinal(found.position)} in the queue" if found.position else ""),
            ("expected start", text.moment(found.eta)),
        ]
    )


def runs(found: Sequence[RunSummary]) -> Table:
    """Return a list of runs, with priorities and reasons where a run has one."""
    more: list[tuple[str, Callable[[RunSummary], str]]] = [
        (name, shown) for name, shown in (("priority", _priority), ("reason", _reason)) if any(map(shown, found))
    ]
    table = _table("run", "state", "position", "submitted", "by", "took", *(name for name, _ in more))
    for one in found:
        table.add_row(
            Text(text.clean(one.run)),
            state(one.state),
            str(one.position or ""),
            text.moment(one.submitted),
            Text(text.clean(one.submitter or "")),
            text.took(one),
            *(Text(shown(one)) for _, shown in more),
        )
    return table


def _priority(one: RunSummary) -> str:
    return str(one.priority or "")


def _reason(one: RunSummary) -> str:
    return text.why(one.reason)


def jobs(found: Iterable[JobSummary]) -> Table:
    """Return a list of jobs."""
    table = _table("job", "now", "queued", "last runs", "next run", "description")
    for one in found:
        table.add_row(
            Text(text.clean(one.job), style="bold"),
            _now(one),
            str(one.queued or ""),
            last(one.last),
            text.moment(one.next_run),
            Text(text.clean(one.description or "", 80)),
        )
    return table


def _now(one: JobSummary) -> Text:
    parts = [("invalid spec", "red")] if one.error else []
    if one.paused:
        parts.append(("paused", "yellow"))
    if one.watch and not one.paused and (one.watch.problem or one.watch.error):
        parts.append(("watch fails", "red"))
    if one.holder is not None:
        since = "" if one.holder.since is None else f" {text.length(_age(one))}"
        parts.append((f"running{since}", text.STYLES["running"]))
    return Text(", ").join(Text(*part) for part in parts)


def _age(one: JobSummary) -> float:
    return (datetime.now(UTC) - one.holder.since).total_seconds() if one.holder and one.holder.since else 0.0


def last(found: Sequence[RunSummary]) -> Text:
    """Return one character for each of the latest runs that have ended, the newest first."""
    marks = [(MARKS[one.state], text.STYLES[one.state]) for one in found if one.state in MARKS]
    return Text.assemble(*marks)


def job(found: Job) -> Table:
    """Return the document of a job: its state, its queue and its latest runs."""
    table = _pairs(
        [
            ("job", text.clean(found.job)),
            ("description", text.clean(found.description or "")),
            ("state", _now(found)),
            ("schedule", text.clean(found.schedule_description or found.schedule or "")),
            ("watch", _watch(found.watch)),
            ("next runs", "\n".join(map(text.moment, found.upcoming)) or text.moment(found.next_run)),
            ("params", ", ".join(text.clean(name) for name in found.params.get("properties", {}))),
            ("error", text.lines(found.error or "")),
        ]
    )
    for name, listed in (("queue", found.queue), ("last runs", found.last)):
        if listed:
            table.add_row(name, runs(listed))
    return table


def _watch(found: WatchState | None) -> str:
    if found is None:
        return ""
    checked = f"last check {text.moment(found.last_check)}" if found.last_check else ""
    failed = f"failed {found.failures} times: {found.error}" if found.error else ""
    work = "has work" if found.pending else ""
    return text.clean("; ".join(part for part in (found.problem, checked, failed, work) if part), _MOST_CHARS)


def cancelled(found: Cancelled) -> Table:
    """Return what a cancel has reached."""
    return _pairs(
        [
            ("run", text.clean(found.run)),
            ("state", state(found.state)),
            ("working tasks", str(found.running)),
            ("waiting tasks", str(found.waiting)),
            ("child runs", str(found.children)),
        ]
    )


def retried(found: Retried) -> Table:
    """Return what a retry has started."""
    return _pairs([("run", text.clean(found.run)), ("state", state(found.state)), ("subtasks", str(found.subtasks))])


def _pairs(rows: Iterable[tuple[str, str | Text]]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, shown in rows:
        if shown:
            table.add_row(name, Text(shown) if isinstance(shown, str) else shown)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", padding=(0, 1))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"state", "submitted", "now", "queued"})
    return table
