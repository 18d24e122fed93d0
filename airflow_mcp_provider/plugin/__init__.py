"""The part that lives in Airflow's servers: registered once, through the entry point ``airflow.plugins``.

Airflow loads this module in every component, the runner included: it imports nothing heavy.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class McpPlugin(AirflowPlugin):
    """Switches growth on: subtasks that a runner enqueues become task instances of the run."""

    name = "mcp"

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Make our state store backend the one in use, unless the user chose another.

        Raises InstallationError on an Airflow that this version does not know: the plugin then counts as broken
        (``airflow plugins``, ``airflow mcp check``), and ``enqueue`` says so.
        """
        from airflow_mcp_provider.plugin.setup import activate  # noqa: PLC0415 - a runner never needs it

        super().on_load(*args, **kwargs)  # type: ignore[no-untyped-call]  # Airflow's
        activate()
