"""The route of agents (``airflow_mcp_provider.agents``): the Model Context Protocol over streamable HTTP.

The request has to have a token of its user in its header: a cookie is not enough. A page of another site can send the
cookie of a browser, but not this header, so it cannot use the route, also under a name that leads to this server (DNS
rebinding). An ``Origin`` that the configuration does not name is refused anyway, as the protocol requires.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_mcp_provider.plugin.http_api.access import read_jobs
from airflow_mcp_provider.plugin.http_api.places import give_back_place
from airflow_mcp_provider.plugin.http_api.problems import ApiError
from airflow_mcp_provider.plugin.settings import own_origins

if TYPE_CHECKING:
    from airflow_mcp_provider.agents.streamable_http import Agents

# Its documents are not those of the HTTP API, so it is not in the OpenAPI document.
router = APIRouter(include_in_schema=False)
NEEDED = "install airflow-mcp-provider[agents] where the API server runs; mcp is missing there, or has another version"

log = structlog.get_logger(__name__)


@router.post("/agents", dependencies=[read_jobs])
async def serve_agents(request: Request) -> Response:
    """Handle a message of an agent. Its tools send requests to the other routes, which check the same token."""
    _check(request)
    agents: ASGIApp | None = request.app.state.agents
    if agents is None:
        raise ApiError(HTTPStatus.NOT_IMPLEMENTED, "not_installed", NEEDED)
    give_back_place(request)
    return _Handled(agents)


def _check(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        text = "no token in the header Authorization; expected Authorization: Bearer TOKEN, also with a cookie"
        raise ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", text)
    origin = request.headers.get("origin")
    if origin is not None and origin not in own_origins():
        text = f"Origin {origin[:200]!r}; expected none, or that of [api] base_url or access_control_allow_origins"
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", text)


class _Handled(Response):
    """A response that an ASGI application sends."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application respond."""
        await self._app(scope, receive, send)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[None]:
    """Serve agents within this context, if the extra ``[agents]`` is installed."""
    agents = _agents()
    if agents is None:
        yield
        return
    async with agents.running():
        app.state.agents = agents
        yield
    app.state.agents = None


def _agents() -> Agents | None:
    """Return the application; None without the SDK, or with another version of it, which others may have installed."""
    if find_spec("mcp") is None:
        return None
    try:
        from airflow_mcp_provider.agents.streamable_http import Agents  # noqa: PLC0415 - the extra
    except ImportError as error:
        log.warning("agents are not served", error=str(error), expected=NEEDED)
        return None
    return Agents()
