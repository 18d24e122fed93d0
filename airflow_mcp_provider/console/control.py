"""``mcp-jobs cancel``, ``retry``, ``priority``, ``parallelism``, ``pause``, ``resume`` and ``token``."""

from __future__ import annotations

from argparse import Namespace

from airflow_mcp_provider.console import find, tables
from airflow_mcp_provider.console.screen import Screen
from airflow_mcp_provider.console.values import seconds
from airflow_mcp_provider.errors import NotFound


def cancel(args: Namespace, program: str, default_url: str | None) -> int:
    """Cancel a run, and show what the cancel has reached; with ``--wait`` wait for its end."""
    screen = Screen(args, program, default_url)
    name = find.run(screen.client, args.names)
    grace = seconds(args.grace, "--grace")
    found = screen.client.cancel(name.job, name.run, reason=args.reason, grace=grace)
    if args.wait:
        found = found.model_copy(update={"state": screen.patient.wait(name.job, name.run).state})
    screen.show(found, lambda: tables.cancelled(found))
    return 0


def retry(args: Namespace, program: str, default_url: str | None) -> int:
    """Run again what failed; with ``--wait`` or ``--follow`` wait for the end of the run."""
    screen = Screen(args, program, default_url)
    name = find.run(screen.client, args.names)
    found = screen.client.retry(name.job, name.run, keys=args.key)
    if args.wait or args.follow:
        from airflow_mcp_provider.console.follow import finish  # noqa: PLC0415 - as in submit

        screen.note(f"subtasks that run again: {found.subtasks}")
        return finish(screen, args, name)
    screen.show(found, lambda: tables.retried(found))
    return 0


def priority(args: Namespace, program: str, default_url: str | None) -> int:
    """Change the priority of a queued run."""
    screen = Screen(args, program, default_url)
    name = find.run(screen.client, args.names)
    screen.client.set_priority(name.job, name.run, args.to)
    return _show(screen, name)


def parallelism(args: Namespace, program: str, default_url: str | None) -> int:
    """Change how many subtasks of an active run may run at the same time."""
    screen = Screen(args, program, default_url)
    name = find.run(screen.client, args.names)
    screen.client.set_parallelism(name.job, name.run, args.to)
    return _show(screen, name)


def _show(screen: Screen, name: find.Named) -> int:
    found = screen.client.run(name.job, name.run)
    screen.show(found, lambda: tables.run(found))
    return 0


def pause(args: Namespace, program: str, default_url: str | None) -> int:
    """Pause a job."""
    return _pause(Screen(args, program, default_url), args.job, paused=True)


def resume(args: Namespace, program: str, default_url: str | None) -> int:
    """Resume a job."""
    return _pause(Screen(args, program, default_url), args.job, paused=False)


def _pause(screen: Screen, job: str, *, paused: bool) -> int:
    try:
        (screen.client.pause if paused else screen.client.resume)(job)
    except NotFound as error:
        raise find.with_near_jobs(screen.client, job, error) from error
    found = screen.client.job(job)
    screen.show(found, lambda: tables.job(found))
    return 0


def token(args: Namespace, program: str, default_url: str | None) -> int:
    """Print a token of the user."""
    print(Screen(args, program, default_url).client.token())  # noqa: T201 - the command's output
    return 0
