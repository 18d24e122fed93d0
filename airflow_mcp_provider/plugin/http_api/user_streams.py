"""How many streams and waits one user may have open, so that others can open one.

A wait (``Prefer: wait``) is counted as a stream: between two looks at the run, neither uses a thread or a connection,
but each has a client's connection and memory. Without a limit for each user, one user with many connections would take
them all. Counted in each process of the API server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from airflow_mcp_provider.constants import MOST_STREAMS
from airflow_mcp_provider.plugin.http_api.airflow_internals import BaseUser
from airflow_mcp_provider.plugin.http_api.problems import RETRY_S, ApiError
from airflow_mcp_provider.plugin.http_api.streams import UNCOMPRESSED

MOST = MOST_STREAMS // 2
"""The largest number of open streams and waits of one user in a process."""
MOST_OF_ALL = MOST_STREAMS
"""The largest number of those of all users."""


class UserStream(StreamingResponse):
    """A stream that counts for its user from the first byte to the last."""

    def __init__(
        self, texts: AsyncIterator[bytes] | AsyncIterator[str], media_type: str, *, user: str, opened: Counter[str]
    ) -> None:
        super().__init__(texts, media_type=media_type, headers=UNCOMPRESSED)
        self._user, self._opened = user, opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        with _counted(self._opened, self._user):
            await super().__call__(scope, receive, send)


def stream(
    request: Request, user: BaseUser, texts: AsyncIterator[bytes] | AsyncIterator[str], media_type: str
) -> UserStream:
    """Return the response with a stream; raises ApiError when too many are open."""
    opened, name = _opened(request), str(user.get_id())
    _check(opened, name)
    return UserStream(texts, media_type, user=name, opened=opened)


@contextmanager
def waiting(request: Request, user: BaseUser) -> Iterator[None]:
    """Count a wait for its user within this context; raises ApiError when too many are open."""
    opened, name = _opened(request), str(user.get_id())
    _check(opened, name)
    with _counted(opened, name):
        yield


def may_wait(request: Request, user: BaseUser) -> bool:
    """Whether one more wait of the user would be accepted."""
    return _refusal(_opened(request), str(user.get_id())) is None


def _opened(request: Request) -> Counter[str]:
    opened: Counter[str] = request.app.state.streams
    return opened


def _check(opened: Counter[str], user: str) -> None:
    if (error := _refusal(opened, user)) is not None:
        raise error


def _refusal(opened: Counter[str], user: str) -> ApiError | None:
    if opened[user] >= MOST:
        text = f"{opened[user]} streams and waits of this user are open; expected fewer than {MOST} in one API server"
        return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_streams", text, retry_after=RETRY_S)
    if (all_of_them := opened.total()) >= MOST_OF_ALL:
        text = f"{all_of_them} streams and waits are open; expected fewer than {MOST_OF_ALL} in one API server"
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", text, retry_after=RETRY_S)
    return None


@contextmanager
def _counted(opened: Counter[str], user: str) -> Iterator[None]:
    opened[user] += 1
    try:
        yield
    finally:
        opened[user] -= 1
        if not opened[user]:
            del opened[user]
