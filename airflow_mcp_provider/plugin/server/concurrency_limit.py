"""Bounds how many requests are inside Airflow's API server at once, because its pool of connections is bounded.

Airflow asks its database on the event loop for every request of a person, and a request that is answered needs the loop
to give its connection back: when all connections are taken and the loop waits for one, nothing moves until the pool's
time-out (30 s). With fewer requests inside than connections the loop always gets one. The others wait here, in asyncio.
A request is inside only while the application works on it: neither a client that sends slowly nor one that reads slowly
keeps a place.

Airflow puts two middlewares of its own before those of plugins; the one that renews the cookie asks the database, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog

from airflow_mcp_provider.plugin.server.airflow_internals import gauge
from airflow_mcp_provider.plugin.server.asgi import reply
from airflow_mcp_provider.plugin.server.priority_semaphore import Places
from airflow_mcp_provider.plugin.server.request_body import SLOW_S, Client, Held, Message, Receive
from airflow_mcp_provider.plugin.server.request_kinds import OF_THEIR_OWN, UI, WAIT, is_urgent, kind_of, shares

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

BUSY = {"detail": "the API server is busy; the same request later is right"}
LONG_S, REPEAT_S = 5.0, 30.0
"""A request that waited longer is told in the log, at most so often."""
MOST_WAITING, MOST_S = 5_000, 60.0
"""So many requests wait, and so long; the others are answered 503."""

READ_S = 0.5
"""A client that takes longer to read a part of an answer keeps no place meanwhile."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of HTTP, as ASGI gives it; ``path`` is without the prefix that the server is reached under."""

    scope: Scope
    client: Client
    send: Send
    path: str


class Place:
    """A place that was taken; it is left once, however often that is asked for."""

    def __init__(self, places: Places, kind: str) -> None:
        self._leave: list[Callable[[str], None]] = [places.leave]
        self._kind = kind

    def leave(self) -> None:
        """Give it back."""
        if self._leave:
            self._leave.pop()(self._kind)


class Guard:
    """ASGI middleware with ``limit`` places for all requests but those that have places of their own."""

    def __init__(self, app: App, limit: int, held: Held) -> None:
        self._app = app
        self._held = held
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
        client = Client(receive, self._held)
        try:
            await self._guarded(kind, Request(scope, client, send, path))
        finally:
            client.release()

    async def _guarded(self, kind: str, request: Request) -> None:
        """Have a request answered in a place; 503 when it waits in vain, or its client has gone."""
        places: list[Place] = []
        try:
            taken = await request.client.read_ahead() and await self._take(kind, request, places)
            if taken:
                await self._app(request.scope, request.client.receive, _sending(request, places[-1], kind))
            else:
                await reply(request.send, HTTPStatus.SERVICE_UNAVAILABLE, BUSY, retry_after=5)
        finally:
            for place in places:
                place.leave()

    async def _take(self, kind: str, request: Request, places: list[Place]) -> bool:
        """Take the places that a request of a kind needs, the one that it has while it is inside last."""
        wanted = [(self._own[kind], kind)] if kind in self._own else [(self._shared, kind)]
        for where, name in [*wanted, (self._shared, UI)] if kind == WAIT else wanted:
            if not await self._enter(where, name, request):
                return False
            places.append(Place(where, name))
        return True

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
            if entering.done() and not entering.cancelled():
                places.leave(kind)
            entering.cancel()
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


def _sending(request: Request, place: Place, kind: str) -> Send:
    """Send an answer; the place is left with the last of it (of a wait: the first), or when the client reads slowly."""

    async def send(message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last or (kind == WAIT and message["type"] == "http.response.start"):
            place.leave()
        async with asyncio.timeout(None if last else SLOW_S):
            late = asyncio.get_running_loop().call_later(READ_S, place.leave)
            try:
                await request.send(message)
            finally:
                late.cancel()

    return send
