"""The entry point of this package: it patches a scheduler before it creates runs."""

from __future__ import annotations

from airflow_mcp_provider.plugin.schedules.covered import skip_covered_dates
from airflow_mcp_provider.plugin.schedules.create import create_by_rules
from airflow_mcp_provider.plugin.schedules.outdated import drop_outdated_events


def install() -> None:
    """Create the runs of jobs' schedules by the rules of their specs."""
    create_by_rules()
    skip_covered_dates()
    drop_outdated_events()
