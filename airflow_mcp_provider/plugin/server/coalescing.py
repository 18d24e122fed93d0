"""Coalesce requests into batches: the requests that wait in one lane are executed together when the lane is free.

A lane is a sequence of requests that cannot be executed concurrently, such as those of one run. While one batch is in
the database, the next one is collected in the event loop, where waiting uses neither a thread nor a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """A request of a lane."""

    @property
    def size(self) -> int:
        """The approximate size in bytes."""


Request = TypeVar("Request", bound=Sized)
Reply = TypeVar("Reply")
Work = Callable[[Sequence[Request]], Sequence[Reply]]

BATCH, BATCH_BYTES = 100, 2_000_000
"""The limits of one batch, which keep its transaction short for others that wait for its locks."""
WAITING_BYTES = 64_000_000
"""The limit of waiting requests in all lanes; a runner keeps a rejected request and sends it again."""


class Full(Exception):
    """The limit of waiting requests is reached."""


class Lanes(Generic[Request, Reply]):
    """Lanes, whose batches are executed by ``threads`` threads, each in its own transaction."""

    def __init__(self, name: str, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"mcp-{name}")
        self._waiting: dict[Hashable, list[tuple[Request, asyncio.Future[Reply]]]] = {}
        self._bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """The number of requests that wait for their batch."""
        return sum(map(len, self._waiting.values()))

    async def do(self, lane: Hashable, work: Work[Request, Reply], request: Request, most: int = BATCH) -> Reply:
        """Execute ``request`` with the others in its lane; raises Full, and the errors of ``work``.

        ``work`` is called with the requests of a batch, at most ``most``, and returns one reply per request. It and
        ``most`` are the same for all requests of a lane.
        """
        if self._bytes + request.size > WAITING_BYTES:
            raise Full
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._bytes += request.size
        if lane in self._waiting:
            self._waiting[lane].append((request, reply))
        else:
            self._waiting[lane] = [(request, reply)]
            task = asyncio.create_task(self._run(lane, work, most))
            self._tasks.add(task)  # the event loop has only a weak reference
            task.add_done_callback(self._tasks.discard)
        return await reply

    async def _run(self, lane: Hashable, work: Work[Request, Reply], most: int) -> None:
        """Execute batches until no request waits in the lane."""
        while batch := self._take(lane, most):
            requests = [request for request, _ in batch]
            try:
                replies = await asyncio.get_running_loop().run_in_executor(self._pool, work, requests)
                answered = list(zip(batch, replies, strict=True))
            except BaseException as error:  # noqa: BLE001 - the callers get the error; the lane continues
                _fail(batch, error)
            else:
                for (_, future), reply in answered:
                    if not future.done():
                        future.set_result(reply)
        del self._waiting[lane]

    def _take(self, lane: Hashable, most: int) -> list[tuple[Request, asyncio.Future[Reply]]]:
        waiting, size, count = self._waiting[lane], 0, 0
        for request, _ in waiting[:most]:
            size += request.size
            if count and size > BATCH_BYTES:
                break
            count += 1
        batch, self._waiting[lane] = waiting[:count], waiting[count:]
        self._bytes -= sum(request.size for request, _ in batch)
        return batch


def _fail(batch: Sequence[tuple[Request, asyncio.Future[Reply]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error if isinstance(error, Exception) else RuntimeError(f"{error!r}"))
