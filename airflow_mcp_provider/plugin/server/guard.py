"""Bounds how many requests are inside Airflow's API server at once, because its pool of connections is bounded.

Airflow asks its database on the event loop for every request of a person, and a request that is answered needs the loop
to give its connection back: when all connections are taken and the loop waits for one, nothing moves until the pool's
time-out (30 s). With fewer requests inside than connections the loop always gets one. The others wait here, in asyncio.

Airflow puts two middlewares of its own before those of plugins; the one that renews the cookie asks the database, too.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog

from airflow_mcp_provider.plugin.server.http import reply
from airflow_mcp_provider.plugin.server.kinds import OF_THEIR_OWN, UI, WAIT, is_urgent, kind_of, shares
from airflow_mcp_provider.plugin.server.places import Places
from airflow_mcp_provider.plugin.server.seam import gauge

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

Then: TypeAlias = "Callable[[Request], Awaitable[None]]"

BUSY = {"detail": "the API server is busy; the same request later is right"}
LONG_S, REPEAT_S = 5.0, 30.0
"""A request that waited longer is told in the log, at most so often."""
MOST_WAITING, MOST_S = 5_000, 60.0
"""So many requests wait, and so long; the others are answered 503."""
HELD_BYTES = 65_536
"""So much of a request's body is read while it waits: enough to see that its client has gone."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of HTTP, as ASGI gives it; ``path`` is without the prefix that the server is reached under."""

    scope: Scope
    client: Client
    send: Send
    path: str


class Guard:
    """ASGI middleware with ``limit`` places for all requests but those that have places of their own."""

    def __init__(self, app: App, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._shared = Places(limit, shares(limit))
        self._own = {kind: Places(most, {kind: most}) for kind, most in OF_THEIR_OWN.items()}
        self._told = 0.0
        self._measured = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in when it is its turn."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        kind = kind_of(scope["method"], path, scope["headers"])
        if kind is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, Client(receive), send, path)
        if kind == WAIT:
            await self._within(self._own[WAIT], WAIT, request, self._wait)
        else:
            await self._within(self._own.get(kind, self._shared), kind, request, self._answer)

    async def _within(self, places: Places, kind: str, request: Request, then: Then) -> None:
        """Have a request answered in a place, when there is one; 503 when it waits in vain, or its client has gone."""
        if not await self._enter(places, kind, request):
            await reply(request.send, HTTPStatus.SERVICE_UNAVAILABLE, BUSY, retry_after=5)
            return
        try:
            await then(request)
        finally:
            places.leave(kind)

    async def _answer(self, request: Request) -> None:
        await self._app(request.scope, request.client.receive, request.send)

    async def _wait(self, request: Request) -> None:
        """Begin in a place of the others, and give it back when the answer begins."""
        if not await self._enter(self._shared, UI, request):
            await reply(request.send, HTTPStatus.SERVICE_UNAVAILABLE, BUSY, retry_after=5)
            return
        inside = [UI]

        def leave() -> None:
            if inside:
                self._shared.leave(inside.pop())

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                leave()
            await request.send(message)

        try:
            await self._app(request.scope, request.client.receive, send)
        finally:
            leave()

    async def _enter(self, places: Places, kind: str, request: Request) -> bool:
        """Wait for a place; False when the client has gone meanwhile, or too many wait, or for too long."""
        if places.kinds[kind].waiting >= MOST_WAITING:
            return False
        begun = time.monotonic()
        entering = asyncio.create_task(places.enter(kind, urgent=is_urgent(request.path)))
        try:
            await asyncio.sleep(0)
            if not entering.done():
                await request.client.wait_beside(entering, MOST_S)
        except BaseException:  # this request was cancelled
            if not entering.cancel():
                places.leave(kind)
            raise
        self._tell(places, kind, time.monotonic() - begun)
        return not entering.cancelled()

    def _tell(self, places: Places, kind: str, waited: float) -> None:
        now = time.monotonic()
        if now >= self._measured + 1:
            self._measured = now
            self._measure()
        if waited > LONG_S and now >= self._told + REPEAT_S:
            self._told = now
            waiting = {name: one.waiting for name, one in places.kinds.items()}
            log.warning(
                "a request waited for a place",
                kind=kind,
                seconds=round(waited, 1),
                waiting=waiting,
                places=places.limit,
            )

    def _measure(self) -> None:
        for places in (self._shared, *self._own.values()):
            for name, kind in places.kinds.items():
                gauge("mcp.api_server.requests_inside", kind.inside, tags={"kind": name})
                gauge("mcp.api_server.requests_waiting", kind.waiting, tags={"kind": name})


class Client:
    """The sender of a request: what it has sent while the request waited is kept for the application."""

    def __init__(self, receive: Receive) -> None:
        self.gone = False
        self._receive = receive
        self._kept: deque[Message] = deque()

    async def receive(self) -> Message:
        """Give what was kept, then what comes."""
        return self._kept.popleft() if self._kept else await self._receive()

    async def wait_beside(self, entering: asyncio.Task[None], seconds: float) -> None:
        """Wait for ``entering``; cancel it when the client goes, or after so many seconds."""
        until = time.monotonic() + seconds
        receiving: asyncio.Future[Message] | None = None
        try:
            while not entering.done() and not self.gone and (left := until - time.monotonic()) > 0:
                if receiving is None and self._has_room():
                    receiving = asyncio.ensure_future(self._receive())
                both = {one for one in (entering, receiving) if one is not None}
                await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if receiving is not None and receiving.done():
                    self._keep(receiving.result())
                    receiving = None
        except asyncio.CancelledError:
            if receiving is not None:
                receiving.cancel()
            raise
        if receiving is not None:
            self._receive = _first(receiving, self._receive)
        if not entering.done():
            entering.cancel()
            await asyncio.wait({entering})

    def _has_room(self) -> bool:
        return sum(len(message.get("body", b"")) for message in self._kept) < HELD_BYTES

    def _keep(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.gone = True
        self._kept.append(message)


def _first(receiving: asyncio.Future[Message], then: Receive) -> Receive:
    """Give the message that is awaited already before the others: an ASGI server hands each out once."""
    pending: list[asyncio.Future[Message]] = [receiving]

    async def receive() -> Message:
        return await (pending.pop() if pending else then())

    return receive
