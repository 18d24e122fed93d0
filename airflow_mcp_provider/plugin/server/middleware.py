"""The middleware that Airflow registers: requests of runners are answered here, others go through the limit."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from airflow_mcp_provider.constants import API_SERVER
from airflow_mcp_provider.plugin.control import worker
from airflow_mcp_provider.plugin.growth import background
from airflow_mcp_provider.plugin.growth.backend import GrowthBackend, materializer
from airflow_mcp_provider.plugin.http_api import logs, watch
from airflow_mcp_provider.plugin.http_api.subtask_paths import in_one_line
from airflow_mcp_provider.plugin.server import runner_requests
from airflow_mcp_provider.plugin.server.airflow_internals import get_state_backend, keep_rows, pool
from airflow_mcp_provider.plugin.server.concurrency_limit import App, Guard, Scope, Send
from airflow_mcp_provider.plugin.server.request_body import Held, Receive
from airflow_mcp_provider.plugin.server.request_kinds import HEALTH, OF_THEIR_OWN
from airflow_mcp_provider.plugin.server.runner_requests import RunnerRequests

OWN = runner_requests.THREADS + background.THREADS + watch.THREADS + logs.THREADS + worker.THREADS
"""The threads of this package: each has a connection while it works."""
SPARE = 1 + OF_THEIR_OWN[HEALTH]
"""Reserved database connections: Airflow's event loop needs one, health checks the others."""
FEWEST, MOST = 2, 10
"""The range of the limit: a process uses one core, so more concurrent requests would only take longer.

OWN, SPARE and FEWEST have to fit in Airflow's default pool, 5 + 10.
"""

log = structlog.get_logger(__name__)


class McpMiddleware:
    """ASGI middleware of the whole API server."""

    def __init__(self, app: App) -> None:
        limit = request_limit(pool())
        self._app = app
        held = Held()
        stores = type(get_state_backend()) is GrowthBackend
        keep_rows()
        self._requests = RunnerRequests(Guard(app, limit, held), held, stores=stores)
        log.info("limit of concurrent requests in the API server", limit=limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an HTTP request; anything else is passed to Airflow unchanged."""
        if scope["type"] == "http":
            scope[API_SERVER] = partial(self._of_this_process, scope.get("app"))
            await self._requests(in_one_line(scope), receive, send)
        elif scope["type"] != "lifespan":
            await self._app(scope, receive, send)
        else:
            try:
                await self._app(scope, receive, send)
            finally:  # the server ends
                await asyncio.to_thread(materializer().stop)

    async def _of_this_process(self, app: App | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request that this process sends to itself, with all limits of other requests."""
        await self({**scope, "app": app}, receive, send)


def request_limit(found: tuple[int, int] | None) -> int:
    """Return the limit of concurrent requests, from size and overflow of the connection pool (None: no limit)."""
    return MOST if found is None else max(FEWEST, min(MOST, sum(found) - OWN - SPARE))
