"""Requests that gather: what waits in one lane is carried out together, as soon as the lane is free.

A lane is what has to be done one after the other, such as the questions about one run. While one batch of it is in the
database the next one gathers, in the event loop, where waiting costs neither a thread nor a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What goes through a lane; ``size`` is about its bytes."""

    @property
    def size(self) -> int:
        """About its bytes."""


Request = TypeVar("Request", bound=Sized)
Reply = TypeVar("Reply")
Work = Callable[[Sequence[Request]], Sequence[Reply]]

BATCH, BATCH_BYTES = 100, 2_000_000
"""So much is carried out together: a transaction stays short enough for who waits behind its locks."""
WAITING_BYTES = 64_000_000
"""So much may wait in all lanes; a runner that is told to come again keeps its own."""


class Full(Exception):
    """Too much waits."""


class Lanes(Generic[Request, Reply]):
    """The lanes whose batches ``threads`` threads carry out, each in a transaction of its own."""

    def __init__(self, name: str, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"mcp-{name}")
        self._waiting: dict[Hashable, list[tuple[Request, asyncio.Future[Reply]]]] = {}
        self._bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Count the requests that wait for their batch."""
        return sum(map(len, self._waiting.values()))

    async def do(self, lane: Hashable, work: Work[Request, Reply], request: Request) -> Reply:
        """Have ``request`` carried out with what else waits in its lane; raises Full, and what ``work`` raises."""
        if self._bytes + request.size > WAITING_BYTES:
            raise Full
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._bytes += request.size
        if lane in self._waiting:
            self._waiting[lane].append((request, reply))
        else:
            self._waiting[lane] = [(request, reply)]
            task = asyncio.create_task(self._run(lane, work))
            self._tasks.add(task)  # a loop keeps no task alive by itself
            task.add_done_callback(self._tasks.discard)
        return await reply

    async def _run(self, lane: Hashable, work: Work[Request, Reply]) -> None:
        """Carry out batch after batch until nothing waits in the lane."""
        while batch := self._take(lane):
            requests = [request for request, _ in batch]
            try:
                replies = await asyncio.get_running_loop().run_in_executor(self._pool, work, requests)
                told = list(zip(batch, replies, strict=True))
            except BaseException as error:  # noqa: BLE001 - whoever asked is told; the lane goes on
                _tell(batch, error)
            else:
                for (_, future), reply in told:
                    if not future.done():
                        future.set_result(reply)
        del self._waiting[lane]

    def _take(self, lane: Hashable) -> list[tuple[Request, asyncio.Future[Reply]]]:
        waiting, size, count = self._waiting[lane], 0, 0
        for request, _ in waiting[:BATCH]:
            size += request.size
            if count and size > BATCH_BYTES:
                break
            count += 1
        batch, self._waiting[lane] = waiting[:count], waiting[count:]
        self._bytes -= sum(request.size for request, _ in batch)
        return batch


def _tell(batch: Sequence[tuple[Request, asyncio.Future[Reply]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error if isinstance(error, Exception) else RuntimeError(f"{error!r}"))
