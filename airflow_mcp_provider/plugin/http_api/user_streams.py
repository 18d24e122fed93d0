"""How many streams one user may have open, so that others can open one.

The places for streams are limited for the whole API server (``plugin.server.request_kinds``): without a limit for each
user, one user with many connections would take them all. Counted in each process of the API server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from airflow_mcp_provider.constants import MOST_STREAMS
from airflow_mcp_provider.plugin.http_api.airflow_internals import BaseUser
from airflow_mcp_provider.plugin.http_api.problems import RETRY_S, ApiError
from airflow_mcp_provider.plugin.http_api.streams import UNCOMPRESSED

MOST = MOST_STREAMS // 2
"""The largest number of open streams of one user in a process."""


class UserStream(StreamingResponse):
    """A stream that counts for its user from the first byte to the last."""

    def __init__(
        self, texts: AsyncIterator[bytes] | AsyncIterator[str], media_type: str, *, user: str, opened: Counter[str]
    ) -> None:
        super().__init__(texts, media_type=media_type, headers=UNCOMPRESSED)
        self._user, self._opened = user, opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        self._opened[self._user] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._closed()

    def _closed(self) -> None:
        self._opened[self._user] -= 1
        if not self._opened[self._user]:
            del self._opened[self._user]


def stream(
    request: Request, user: BaseUser, texts: AsyncIterator[bytes] | AsyncIterator[str], media_type: str
) -> UserStream:
    """Return the response with a stream; raises ApiError when the user has too many streams open."""
    opened: Counter[str] = request.app.state.streams
    name = str(user.get_id())
    if opened[name] >= MOST:
        text = f"{opened[name]} streams of this user are open; expected fewer than {MOST} in one API server"
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_streams", text, retry_after=RETRY_S)
    return UserStream(texts, media_type, user=name, opened=opened)
