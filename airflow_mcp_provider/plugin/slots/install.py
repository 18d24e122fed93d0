"""The door of this package: what a scheduler does before it makes its executors."""

from __future__ import annotations

import structlog

from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin.settings import fair_share
from airflow_mcp_provider.plugin.slots.dispatch_count import count_dispatched
from airflow_mcp_provider.plugin.slots.fair_share import share_fairly
from airflow_mcp_provider.plugin.slots.scheduling_backoff import look_seldom
from airflow_mcp_provider.plugin.slots.upstream_cache import ask_once

log = structlog.get_logger(__name__)


def install() -> None:
    """Bound the LocalExecutor, and share the slots unless the user does not want that.

    Ends a scheduler whose settings are wrong, as the gate does: an exception would take the gate away and start it.
    """
    count_dispatched()
    ask_once()
    try:
        wanted = fair_share()
    except InstallationError as error:
        log.error("the scheduler does not start", reason=f"{error}")  # noqa: TRY400 - the trace says nothing more
        raise SystemExit(f"airflow-mcp-provider: {error}") from error
    if wanted:
        share_fairly()
        look_seldom()
