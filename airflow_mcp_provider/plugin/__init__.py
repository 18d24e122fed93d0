"""The part that lives in Airflow's servers: registered once, through the entry point ``airflow.plugins``.

Airflow loads this module in every component, the runner included: it imports nothing heavy.
"""

from __future__ import annotations

import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin


def front(app: Any) -> Any:  # noqa: ANN401 - of ASGI
    """Return the middleware in front of ``app``, Airflow's API server."""
    from airflow_mcp_provider.plugin.server.middleware import Front  # noqa: PLC0415 - no other component needs it

    return Front(app)


class McpPlugin(AirflowPlugin):
    """Switches on growth (what a runner enqueues becomes task instances of the run), the gate and the slots.

    In the API server it stands in front of the application, too.
    """

    name = "mcp"
    fastapi_root_middlewares = [{"middleware": front, "args": [], "kwargs": {}, "name": "mcp"}]  # noqa: RUF012 - Airflow's

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Make our state store backend the one in use, unless the user chose another.

        Raises InstallationError on an Airflow that this version does not know: the plugin then counts as broken
        (``airflow plugins``, ``airflow mcp check``), and ``enqueue`` says so.
        """
        from airflow_mcp_provider.plugin.growth.activation import activate  # noqa: PLC0415 - a runner never needs it

        super().on_load(*args, **kwargs)  # type: ignore[no-untyped-call]  # Airflow's
        activate()
        if not _in_runner():
            from airflow_mcp_provider.plugin.listener import listeners  # noqa: PLC0415 - nor this

            cls.listeners = listeners()
        if _in_scheduler():
            from airflow_mcp_provider.plugin.slots.install import install  # noqa: PLC0415 - only a scheduler needs it

            install()  # without a listener: it does its part when the gate is off, too


def _in_runner() -> bool:
    """Whether this process executes a task: it has a supervisor to talk to."""
    return hasattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS")


def _in_scheduler() -> bool:
    """Whether this is a scheduler's own process: workers that an executor has spawned have its arguments, too."""
    if "scheduler" not in sys.argv:
        return False
    from multiprocessing import parent_process  # noqa: PLC0415 - a runner never needs it

    return parent_process() is None
