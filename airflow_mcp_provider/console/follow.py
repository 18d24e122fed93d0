"""Wait for the end of a run: silently, or with its progress on stderr."""

from __future__ import annotations

import signal
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from airflow_mcp_provider.client.models import Run
from airflow_mcp_provider.console import tables, text
from airflow_mcp_provider.console.exit_codes import Exit, of_state
from airflow_mcp_provider.console.find import Named
from airflow_mcp_provider.console.screen import Screen
from airflow_mcp_provider.console.values import seconds

LINE_S = 2.0
"""Seconds between lines of progress where stderr is not a terminal."""


def finish(screen: Screen, args: Namespace, name: Named) -> int:
    """Wait for the end of a run as ``--wait`` or ``--follow`` ask for it, print it, and return its exit code."""
    try:
        deadline = seconds(args.timeout, "--timeout")
        found = _followed(screen, name, deadline) if args.follow else screen.patient.wait(name.job, name.run, deadline)
    except KeyboardInterrupt:
        screen.note(come_back(screen, name))
        return Exit.INTERRUPTED
    screen.show(found, lambda: tables.run(found))
    return of_state(found.state)


def come_back(screen: Screen, name: Named) -> str:
    """Return how to go on after Ctrl-C, which leaves the run as it is."""
    program, words = screen.program, f"{_quoted(name.job)} {_quoted(name.run)}"
    where = "".join(f" {_quoted(word)}" for word in screen.where)
    return (
        f"\nThe run goes on. Follow it again:  {program} status {words} --follow{where}\n"
        f"Cancel it:                         {program} cancel {words}{where}"
    )


def _quoted(word: str) -> str:
    from shlex import quote  # noqa: PLC0415 - after Ctrl-C only

    return quote(word)


def _followed(screen: Screen, name: Named, timeout: float | None) -> Run:
    seen = screen.patient.stream(name.job, name.run)
    shown = _bar(seen, screen.stderr) if screen.stderr.is_terminal else _lines(seen, screen.stderr)
    try:
        with _within(timeout):
            for found in shown:
                latest = found
    except _LateError:
        raise TimeoutError(f"the run {name.run} has not ended within {timeout:g} s") from None
    return latest


class _LateError(Exception):
    """Not a TimeoutError: httpx would take that for one of the connection, and connect again."""


@contextmanager
def _within(timeout: float | None) -> Iterator[None]:
    """Raise _LateError after ``timeout`` seconds, also while a quiet run is waited for."""

    def late(*_: object) -> None:
        raise _LateError

    before = signal.signal(signal.SIGALRM, late)
    try:
        signal.setitimer(signal.ITIMER_REAL, timeout or 0)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _bar(seen: Iterator[Run], console: Console) -> Iterator[Run]:
    job, now = (TextColumn(form, markup=False) for form in ("{task.description}", "{task.fields[now]}"))
    columns = (job, BarColumn(), now, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, now="")
        for run in seen:
            known, ended = _numbers(run)
            bar.update(task, description=run.job, total=known or None, completed=ended, now=line(run))
            yield run


def _numbers(run: Run) -> tuple[int, int]:
    found = run.progress
    return (0, 0) if found is None else (found.known, found.done + found.failed + found.skipped)


def _lines(seen: Iterator[Run], console: Console) -> Iterator[Run]:
    printed, before = 0.0, ""
    for run in seen:
        now, new = time.monotonic(), line(run)
        if new != before and (run.done or now - printed >= LINE_S):
            console.print(new, markup=False)
            printed, before = now, new
        yield run


def line(run: Run) -> str:
    """Return where a run is, in one line."""
    if run.position is not None:
        return f"{text.ordinal(run.position)} in the queue: {text.why(run.reason)}"
    if run.progress is None:
        return f"{run.state} {text.why(run.reason)}".rstrip()
    rate = f", {run.progress.rate:.1f}/s" if run.progress.rate else ""
    message = f"  {text.clean(run.progress.message, 60)}" if run.progress.message else ""
    return f"{run.state}, {text.counts(run.progress)}{rate}{message}"
