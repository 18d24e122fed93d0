"""The Airflow plugin, registered through the entry point ``airflow.plugins``.

Airflow loads this module in every component, including runners, so it imports nothing expensive.
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin


def middleware(app: Any) -> Any:  # noqa: ANN401 - of ASGI
    """Return the middleware for ``app``, Airflow's API server."""
    from airflow_mcp_provider.plugin.server.middleware import McpMiddleware  # noqa: PLC0415 - only for the API server

    return McpMiddleware(app)


class McpPlugin(AirflowPlugin):
    """Activates growth (enqueued payloads become task instances of the run), the queue gate and fair share.

    In the API server it adds a middleware, the HTTP API, and pages in the UI, too.
    """

    name = "mcp"
    fastapi_root_middlewares = [{"middleware": middleware, "args": [], "kwargs": {}, "name": "mcp"}]  # noqa: RUF012 - Airflow's

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]  # an attribute of AirflowPlugin
        """The HTTP API; only the API server reads this attribute: it does not start with an invalid ``[mcp] ui``."""
        from airflow_mcp_provider.client.models import PREFIX  # noqa: PLC0415 - only the API server needs it
        from airflow_mcp_provider.plugin.http_api.app import build  # noqa: PLC0415 - likewise

        _ = self.react_apps
        return [{"app": build(), "url_prefix": PREFIX, "name": "job control"}]

    @cached_property
    def react_apps(self) -> list[Any]:  # type: ignore[override]  # likewise
        """The pages in Airflow's UI, by ``[mcp] ui``; only the API server reads this attribute."""
        from airflow_mcp_provider.plugin.pages.entries import react_apps  # noqa: PLC0415 - only the API server needs it

        return react_apps()

    @cached_property
    def timetables(self) -> list[Any]:  # type: ignore[override]  # an attribute of AirflowPlugin
        """The timetables of schedules; read where a DAG is serialized, or read from its serialized form."""
        from airflow_mcp_provider.timetable import AtTimetable, CronTimetable, EveryTimetable  # noqa: PLC0415 - likewise

        return [AtTimetable, CronTimetable, EveryTimetable]

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Activate our task state store backend, unless the user configured another one.

        Raises InstallationError for an unsupported version of Airflow: the plugin is then shown as broken
        (``airflow plugins``, ``airflow mcp check``), and ``enqueue`` fails with this error.
        """
        from airflow_mcp_provider.plugin.growth.activation import activate  # noqa: PLC0415 - a runner never needs it

        super().on_load(*args, **kwargs)  # type: ignore[no-untyped-call]  # Airflow's
        activate()
        if not _in_runner():
            from airflow_mcp_provider.plugin.listener import listeners  # noqa: PLC0415 - nor this

            cls.listeners = listeners()
        if _in_scheduler():
            from airflow_mcp_provider.plugin.schedules import install as schedules  # noqa: PLC0415 - only a scheduler
            from airflow_mcp_provider.plugin.slots.install import install  # noqa: PLC0415 - likewise

            schedules.install()
            install()  # not by a listener: it is needed when the gate is off, too


def _in_runner() -> bool:
    """Return whether this process executes a task: it has a connection to a supervisor."""
    return hasattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS")


def _in_scheduler() -> bool:
    """Return whether this is the main process of a scheduler; spawned workers have the same arguments."""
    if "scheduler" not in sys.argv:
        return False
    from multiprocessing import parent_process  # noqa: PLC0415 - a runner never needs it

    return parent_process() is None
