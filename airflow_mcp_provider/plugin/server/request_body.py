"""Read the bodies of requests before the requests get a permit: a client that sends slowly does not delay others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

AHEAD = 1_000_000
"""So much of a body is read before its request may go on; of a larger one the rest is read by the application."""
SLOW_S = 20.0
"""So long may a client take between two parts of a body, and to take a part of an answer."""
MOST_HELD = 64_000_000
"""So much is held for all requests of a process that have not been answered."""


class Held:
    """The bytes that are held for all requests of a process."""

    def __init__(self) -> None:
        self.size = 0


class Client:
    """The sender of a request: what it has sent beforehand is kept for whoever reads the request."""

    def __init__(self, receive: Receive, held: Held) -> None:
        self.gone = False
        self.complete = False
        self.size = 0
        self._receive = receive
        self._held = held
        self._kept: deque[Message] = deque()

    async def receive(self) -> Message:
        """Return what was kept, then what comes; a client that is too slow counts as gone."""
        if self._kept:
            return self._kept.popleft()
        if self.complete:
            return await self._receive()  # it returns when the client has gone
        return await self._next()

    async def read_ahead(self, most: int = AHEAD) -> bool:
        """Read up to ``most`` bytes of the body; False when the client has gone, or too much is held for all.

        The first part is always taken: most requests have no other.
        """
        while not self.complete and not self.gone and self.size < most:
            if self.size and self._held.size > MOST_HELD:
                return False
            self.keep(await self._next())
        return not self.gone

    def body(self) -> bytes:
        """Return what was read."""
        return b"".join(message.get("body", b"") for message in self._kept)

    def keep(self, message: Message) -> None:
        """Keep a message for whoever reads the request."""
        size = len(message.get("body", b""))
        self.size += size
        self._held.size += size
        self._note(message)
        self._kept.append(message)

    def release(self) -> None:
        """The request was answered."""
        self._held.size -= self.size
        self.size = 0
        self._kept.clear()

    async def wait_beside(self, entering: asyncio.Task[None], seconds: float) -> None:
        """Wait for ``entering``; cancel it when the client goes, or after so many seconds."""
        gone = asyncio.ensure_future(self._receive()) if self.complete else None
        try:
            await asyncio.wait(
                {entering, *([gone] if gone else [])}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            if gone is not None and not gone.done():
                gone.cancel()
        if gone is not None and gone.done() and not gone.cancelled():
            self.keep(gone.result())
        if not entering.done():
            entering.cancel()
            await asyncio.wait({entering})

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(SLOW_S):
                message = await self._receive()
        except TimeoutError:
            message = {"type": "http.disconnect"}
        self._note(message)
        return message

    def _note(self, message: Message) -> None:
        self.gone = self.gone or message["type"] == "http.disconnect"
        self.complete = self.complete or not message.get("more_body", False)
