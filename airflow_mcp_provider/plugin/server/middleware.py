"""The middleware as Airflow registers it: runners' requests that are answered here, then the guard, then Airflow."""

from __future__ import annotations

import structlog

from airflow_mcp_provider.plugin.growth import background
from airflow_mcp_provider.plugin.growth.backend import GrowthBackend
from airflow_mcp_provider.plugin.server import runner_requests
from airflow_mcp_provider.plugin.server.airflow_internals import get_state_backend, keep_rows, pool
from airflow_mcp_provider.plugin.server.concurrency_limit import App, Guard, Scope, Send
from airflow_mcp_provider.plugin.server.request_body import Held, Receive
from airflow_mcp_provider.plugin.server.request_kinds import HEALTH, OF_THEIR_OWN
from airflow_mcp_provider.plugin.server.runner_requests import RunnerRequests

OWN = runner_requests.THREADS + background.THREADS
SPARE = 1 + OF_THEIR_OWN[HEALTH]
"""Connections that no other request may take: Airflow's event loop needs one, health checks the others."""
FEWEST, MOST = 2, 10
"""More requests inside one process are not done sooner, for it computes on one core: each of them only takes longer."""

log = structlog.get_logger(__name__)


class Front:
    """ASGI middleware of the whole API server."""

    def __init__(self, app: App) -> None:
        limit = places(pool())
        self._app = app
        held = Held()
        stores = type(get_state_backend()) is GrowthBackend
        keep_rows()
        self._requests = RunnerRequests(Guard(app, limit, held), held, stores=stores)
        log.info("the API server lets so many requests in at once", places=limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; what is no request of HTTP goes straight to Airflow."""
        await (self._requests if scope["type"] == "http" else self._app)(scope, receive, send)


def places(found: tuple[int, int] | None) -> int:
    """Return how many requests may be inside at once, from size and overflow of the pool of connections."""
    return MOST if found is None else max(FEWEST, min(MOST, sum(found) - OWN - SPARE))
