"""``airflow mcp agents`` and ``mcp-jobs agents``: the tools over stdin and stdout, for one user.

Runs in a shell, as a child of the program that has the agent. Sends requests to an API server that is anywhere.
"""

from __future__ import annotations

import asyncio
import signal

from mcp.server.stdio import stdio_server

from airflow_mcp_provider.agents.server import build
from airflow_mcp_provider.client.async_client import AsyncJobClient

PATIENCE_S = 10.0
"""For how long a request is sent again when the server cannot be reached: a client waits a minute for a result."""


def run(url: str, *, token: str | None, user: str | None, password: str | None) -> None:
    """Serve until stdin is closed; raises RequestFailed for invalid credentials."""
    # Ctrl-C ends the process, as SIGTERM does: asyncio would wait for the thread that reads stdin.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        asyncio.run(_serve(AsyncJobClient(url, token=token, user=user, password=password, patience=PATIENCE_S)))
    finally:
        signal.signal(signal.SIGINT, before)


async def _serve(client: AsyncJobClient) -> None:
    async with client, stdio_server() as (read, write):
        server = build(lambda _: client)
        await server.run(read, write, server.create_initialization_options())
