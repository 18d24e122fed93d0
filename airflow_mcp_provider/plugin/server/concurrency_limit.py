"""Limit the number of concurrent requests in Airflow's API server, because its database connection pool is limited.

Airflow queries its database on the event loop for every request of a user, and the end of a request needs the event
loop to release its connection. When all connections are in use and the event loop waits for one, all requests block
until the timeout of the pool (30 s). With fewer concurrent requests than connections, the event loop always gets one.
The other requests wait here, in asyncio. A request counts only while the application processes it: clients that send or
read slowly do not hold a permit.

Airflow has two middlewares before those of plugins; the one that renews the cookie queries the database, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.constants import GIVE_BACK
from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.server.asgi import reply
from airflow_mcp_provider.plugin.server.priority_semaphore import PrioritySemaphore
from airflow_mcp_provider.plugin.server.request_body import SLOW_S, Client, Held, Message, Receive
from airflow_mcp_provider.plugin.server.request_kinds import (
    BEGIN_AS,
    OF_THEIR_OWN,
    STREAMS,
    SUBMIT,
    is_urgent,
    kind_of,
    shares,
)

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

BUSY = {
    "type": "urn:airflow-mcp:busy",
    "title": "Busy",
    "detail": "the API server is busy; retry the request later",
}
"""With the fields that errors of the HTTP API have; Airflow's clients read ``detail``."""
PROBLEM = b"application/problem+json"
LONG_S, REPEAT_S = 5.0, 30.0
"""A request that waited longer than the first is logged, at most once in the second."""
MOST_WAITING, MOST_S = 5_000, 60.0
"""The largest number of waiting requests, and the longest wait in seconds; other requests get 503."""

READ_S = 0.5
"""Seconds after which a client that is still reading a part of the response loses its permit."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request of ASGI; ``path`` is without the root path of the server."""

    scope: Scope
    client: Client
    send: Send
    path: str


class Permit:
    """An acquired permit; releasing it more than once has no effect."""

    def __init__(self, semaphore: PrioritySemaphore, kind: str) -> None:
        self._release: list[Callable[[str], None]] = [semaphore.release]
        self._kind = kind

    def release(self) -> None:
        """Release it."""
        if self._release:
            self._release.pop()(self._kind)


class Guard:
    """ASGI middleware with ``limit`` permits for all requests, except for kinds with their own permits."""

    def __init__(self, app: App, limit: int, held: Held) -> None:
        self._app = app
        self._held = held
        self._shared = PrioritySemaphore(limit, shares(limit))
        self._own = {kind: PrioritySemaphore(most, {kind: most}) for kind, most in OF_THEIR_OWN.items()}
        self._reported = 0.0
        self._measured = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it has a permit."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        kind = kind_of(scope["method"], path, scope["headers"])
        if kind is None:
            await self._app(scope, receive, send)
            return
        client = Client(receive, self._held)
        try:
            await self._guarded(kind, Request(scope, client, send, path))
        finally:
            client.release()

    async def _guarded(self, kind: str, request: Request) -> None:
        """Process a request with a permit; respond 503 when it gets none in time, or its client has disconnected."""
        permits: list[Permit] = []
        try:
            acquired = await request.client.read_ahead() and await self._acquire(kind, request, permits)
            if acquired:
                request.scope[GIVE_BACK] = permits[-1].release
                await self._app(request.scope, request.client.receive, _sending(request, permits[-1], kind))
            else:
                status = HTTPStatus.TOO_MANY_REQUESTS if kind == SUBMIT else HTTPStatus.SERVICE_UNAVAILABLE
                media_type = PROBLEM if request.path.startswith(PREFIX) else b"application/json"
                await reply(request.send, status, {**BUSY, "status": status}, retry_after=5, media_type=media_type)
        finally:
            for permit in permits:
                permit.release()

    async def _acquire(self, kind: str, request: Request, permits: list[Permit]) -> bool:
        """Acquire the permits that a request of a kind needs; the last one is that of the application."""
        wanted = [(self._own[kind], kind)] if kind in self._own else [(self._shared, kind)]
        for semaphore, name in [*wanted, (self._shared, BEGIN_AS[kind])] if kind in BEGIN_AS else wanted:
            if not await self._wait(semaphore, name, request):
                return False
            permits.append(Permit(semaphore, name))
        return True

    async def _wait(self, semaphore: PrioritySemaphore, kind: str, request: Request) -> bool:
        """Wait for a permit; False when the client disconnects, too many requests wait, or after ``MOST_S``."""
        if semaphore.kinds[kind].waiting >= MOST_WAITING:
            return False
        begun = time.monotonic()
        acquiring = asyncio.create_task(semaphore.acquire(kind, urgent=is_urgent(request.path)))
        try:
            await asyncio.sleep(0)
            if not acquiring.done():
                await request.client.wait_beside(acquiring, MOST_S)
        except BaseException:  # this request was cancelled
            if acquiring.done() and not acquiring.cancelled():
                semaphore.release(kind)
            acquiring.cancel()
            raise
        self._report(semaphore, kind, time.monotonic() - begun)
        return not acquiring.cancelled()

    def _report(self, semaphore: PrioritySemaphore, kind: str, waited: float) -> None:
        now = time.monotonic()
        if now >= self._measured + 1:
            self._measured = now
            self._measure()
        if waited > LONG_S and now >= self._reported + REPEAT_S:
            self._reported = now
            waiting = {name: one.waiting for name, one in semaphore.kinds.items()}
            log.warning(
                "request delayed by the limit of concurrent requests",
                kind=kind,
                seconds=round(waited, 1),
                waiting=waiting,
                limit=semaphore.limit,
            )

    def _measure(self) -> None:
        for semaphore in (self._shared, *self._own.values()):
            for name, kind in semaphore.kinds.items():
                metrics.requests(name, kind.inside, kind.waiting)


def _sending(request: Request, permit: Permit, kind: str) -> Send:
    """Return ``send``, which releases the permit with the last message, or if the client reads slowly.

    The permit of a request of STREAMS is released with the first message.
    """

    async def send(message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last or (kind in STREAMS and message["type"] == "http.response.start"):
            permit.release()
        async with asyncio.timeout(None if last else SLOW_S):
            late = asyncio.get_running_loop().call_later(READ_S, permit.release)
            try:
                await request.send(message)
            finally:
                late.cancel()

    return send
