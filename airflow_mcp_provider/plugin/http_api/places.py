"""A request that waits for a run gives its place back: few requests are inside the API server at once.

``plugin.server`` puts a function into the scope of each request that has a place.
"""

from __future__ import annotations

from fastapi import Request

from airflow_mcp_provider.constants import GIVE_BACK


def give_back_place(request: Request) -> None:
    """Let another request in; this one uses no thread and no connection any more."""
    if (give_back := request.scope.get(GIVE_BACK)) is not None:
        give_back()


async def begun(request: Request) -> None:
    """Give the place back as the last of a route's dependencies: it may be carried out without one.

    A coroutine, because the places are the event loop's.
    """
    give_back_place(request)
