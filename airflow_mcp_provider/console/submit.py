"""``mcp-jobs submit``."""

from __future__ import annotations

from argparse import Namespace

from airflow_mcp_provider.client.models import Accepted
from airflow_mcp_provider.console import tables, values
from airflow_mcp_provider.console.find import Named, with_near_jobs
from airflow_mcp_provider.console.screen import Screen
from airflow_mcp_provider.errors import NotFound


def submit(args: Namespace, program: str, default_url: str | None) -> int:
    """Submit a run; with ``--wait`` or ``--follow`` wait for its end."""
    screen = Screen(args, program, default_url)
    found = _submitted(screen, args)
    if not (args.wait or args.follow):
        screen.show(found, lambda: tables.accepted(args.job, found))
        return 0
    from airflow_mcp_provider.console.follow import finish  # noqa: PLC0415 - rich's progress, only where it is shown

    screen.note(f"submitted: {found.run}")
    return finish(screen, args, Named(args.job, found.run))


def _submitted(screen: Screen, args: Namespace) -> Accepted:
    conf, not_before = values.conf(args.conf), values.moment(args.not_before, "--not-before")
    try:
        return screen.client.submit(
            args.job, conf, key=args.key, priority=args.priority, note=args.note, not_before=not_before
        )
    except NotFound as error:
        raise with_near_jobs(screen.client, args.job, error) from error
