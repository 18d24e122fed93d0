"""``mcp-jobs watch``: a table of all jobs that follows what happens."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator

from rich.live import Live

from airflow_mcp_provider.client.models import JobSummary
from airflow_mcp_provider.console import tables
from airflow_mcp_provider.console.screen import Screen


def watch(args: Namespace, program: str, default_url: str | None) -> int:
    """Show the jobs until Ctrl-C; as one document per update where the output is for programs."""
    screen = Screen(args, program, default_url)
    try:
        _show(screen, _updates(screen, args))
    except KeyboardInterrupt:
        return 0
    return 0


def _show(screen: Screen, updates: Iterator[list[JobSummary]]) -> None:
    if screen.output != "table" or not screen.stdout.is_terminal:
        for jobs in updates:
            screen.show(jobs, lambda jobs=jobs: tables.jobs(jobs))  # type: ignore[misc]  # a default binds the value
        return
    with Live(console=screen.stdout, auto_refresh=False) as live:
        for jobs in updates:
            live.update(tables.jobs(jobs), refresh=True)


def _updates(screen: Screen, args: Namespace) -> Iterator[list[JobSummary]]:
    made = 0
    while True:
        yield list(screen.client.jobs(search=args.search))
        made += 1
        if made == args.times:
            return
        time.sleep(args.interval)
