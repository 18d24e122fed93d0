"""``mcp-jobs status`` and ``mcp-jobs list``."""

from __future__ import annotations

from argparse import Namespace

from airflow_mcp_provider.client.models import RunState
from airflow_mcp_provider.console import find, tables
from airflow_mcp_provider.console.screen import Screen
from airflow_mcp_provider.errors import NotFound


def status(args: Namespace, program: str, default_url: str | None) -> int:
    """Show a run, or a job if the only name is one; with ``--wait`` or ``--follow`` wait for the end of the run."""
    screen = Screen(args, program, default_url)
    if len(args.names) == 1 and _is_job(screen, args.names[0]):
        return 0
    try:
        name = find.run(screen.client, args.names)
    except NotFound as error:
        if len(args.names) > 1:
            raise find.with_near_jobs(screen.client, args.names[0], error) from error
        raise
    if args.wait or args.follow:
        from airflow_mcp_provider.console.follow import finish  # noqa: PLC0415 - as in submit

        return finish(screen, args, name)
    try:
        found = screen.client.run(name.job, name.run)
    except NotFound as error:
        raise find.with_near_jobs(screen.client, name.job, error) from error
    screen.show(found, lambda: tables.run(found))
    return 0


def _is_job(screen: Screen, name: str) -> bool:
    """Show the job with this id, if there is one."""
    try:
        found = screen.client.job(name)
    except NotFound:
        return False
    screen.show(found, lambda: tables.job(found))
    return True


def list_all(args: Namespace, program: str, default_url: str | None) -> int:
    """List the jobs, or the runs of a job."""
    screen = Screen(args, program, default_url)
    if args.job is None:
        active = True if args.active else None
        jobs = screen.first(screen.client.jobs(search=args.search, tag=args.tag, active=active), args.limit)
        screen.show(jobs, lambda: tables.jobs(jobs))
        return 0
    states = [RunState(state) for state in args.state]
    try:
        runs = screen.first(screen.client.runs(args.job, states=states), args.limit)
    except NotFound as error:
        raise find.with_near_jobs(screen.client, args.job, error) from error
    screen.show(runs, lambda: tables.runs(runs))
    return 0
