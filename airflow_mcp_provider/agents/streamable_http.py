"""The tools over streamable HTTP, inside of the API server: without sessions, each response is JSON.

A tool sends its requests to the API server itself, in this process, with the header ``Authorization`` of its caller and
no cookie. So the routes of the HTTP API decide about its rights, as for each other client.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from airflow_mcp_provider.agents.server import Context, build
from airflow_mcp_provider.client.calls import Call
from airflow_mcp_provider.client.failures import unreachable
from airflow_mcp_provider.client.sending import send_async
from airflow_mcp_provider.constants import API_SERVER
from airflow_mcp_provider.runtime.size_limits import MAX_CONF_BYTES

# It logs a line for each message.
logging.getLogger("mcp.server.streamable_http").setLevel(logging.WARNING)

T = TypeVar("T")
MOST_BODY_BYTES = MAX_CONF_BYTES + 100_000
BASE = "http://api-server"
"""Of requests that never leave this process."""


class OwnRequests:
    """The HTTP API of this process, with the credentials of one request."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def send(self, call: Call[T]) -> T:
        """Send a request; raises RequestFailed."""
        client = self._request.client or ("127.0.0.1", 0)
        server = self._request.scope[API_SERVER]
        transport = httpx.ASGITransport(server, raise_app_exceptions=False, client=(client[0], client[1]))
        headers = {"Authorization": self._request.headers.get("authorization", "")}
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as http:
            return await send_async(http, call)


class Agents:
    """An ASGI application for one route; for requests whose user is known."""

    def __init__(self) -> None:
        self._manager = StreamableHTTPSessionManager(
            build(_own_requests), json_response=True, stateless=True, max_request_body_size=MOST_BODY_BYTES
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await self._manager.handle_request(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Handle requests within this context."""
        async with self._manager.run():
            yield


def _own_requests(context: Context) -> OwnRequests:
    request: Any = context.request
    if not isinstance(request, Request):
        raise unreachable(RuntimeError("a message without an HTTP request"), BASE, reached=False)
    return OwnRequests(request)
