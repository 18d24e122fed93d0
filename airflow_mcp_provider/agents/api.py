"""What the tools send their requests with."""

from __future__ import annotations

from typing import Protocol, TypeVar

from airflow_mcp_provider.client.calls import Call

T = TypeVar("T")


class Api(Protocol):
    """The HTTP API, with the credentials of one user: ``AsyncJobClient``, or requests inside of the API server."""

    async def send(self, call: Call[T]) -> T:
        """Send a request; raises RequestFailed."""
