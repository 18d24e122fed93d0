"""The entry point of this package: it patches a scheduler before it creates its executors."""

from __future__ import annotations

import structlog

from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin.settings import fair_share
from airflow_mcp_provider.plugin.slots.dispatch_count import count_dispatched
from airflow_mcp_provider.plugin.slots.fair_share import share_fairly
from airflow_mcp_provider.plugin.slots.graces import wait_for_graces
from airflow_mcp_provider.plugin.slots.scheduling_backoff import back_off_slow_runs
from airflow_mcp_provider.plugin.slots.upstream_cache import cache_upstream_checks

log = structlog.get_logger(__name__)


def install() -> None:
    """Limit the LocalExecutor to its slots, and share the slots fairly if ``[mcp] fair_share`` is on.

    Exits from a scheduler with invalid settings, as the gate does: an exception would only disable the plugin.
    """
    count_dispatched()
    wait_for_graces()
    cache_upstream_checks()
    try:
        wanted = fair_share()
    except InstallationError as error:
        log.error("the scheduler does not start", reason=f"{error}")  # noqa: TRY400 - a traceback has no more information
        raise SystemExit(f"airflow-mcp-provider: {error}") from error
    if wanted:
        share_fairly()
        back_off_slow_runs()
