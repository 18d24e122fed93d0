"""The door of this package: what a scheduler does before it makes its executors."""

from __future__ import annotations

from airflow_mcp_provider.plugin.slots.bound import count_dispatched


def install() -> None:
    """Bound the LocalExecutor."""
    count_dispatched()
