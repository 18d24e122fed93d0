"""Watch runs: one poller per run and API server, however many clients follow it.

Runs on the event loop of the API server. A look at the database is made in a thread, with a session that ends with the
look: between two looks no connection is held. Each change of the run's document is an event. Events are kept for a
while, so that a client whose connection was cut gets those that it missed. What one client sends changes nothing for
others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import structlog

from airflow_mcp_provider.client.models import Run
from airflow_mcp_provider.plugin.http_api import snapshots
from airflow_mcp_provider.plugin.http_api.snapshots import Snapshot
from airflow_mcp_provider.plugin.http_api.watched import Event, Reader, Watch

THREADS = 1
INTERVAL_S, FRESH_S = 1.0, 0.5
SHARE = 10
"""A poller works for at most a tenth of the time: a document that takes 0.2 s is read every 2 s."""
LINGER_S = 30.0
"""How long a run is watched after its last client has gone."""
COMMENT_S = 15.0

log = structlog.get_logger(__name__)
Look = Callable[[str, str], Run | None]


class Watches:
    """All runs that are watched in this process."""

    def __init__(self, look: Look = snapshots.look) -> None:
        self._look = look
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="mcp-looks")
        self._watched: dict[tuple[str, str], Watch] = {}
        self._stopped = False

    def stop(self) -> None:
        """End all streams and waits: the server ends. Clients connect again, to another one."""
        self._stopped = True
        for watch in self._watched.values():
            watch.wake()

    async def close(self) -> None:
        """End all pollers and the thread."""
        pollers = [watch.poller for watch in self._watched.values() if watch.poller is not None]
        for poller in pollers:
            poller.cancel()
        await asyncio.gather(*pollers, return_exceptions=True)
        self._pool.shutdown(wait=True)

    async def watch(self, job: str, run_id: str) -> Watch:
        """Return the watch of a run, with a document that is FRESH_S old at most, or not older than the call.

        The latter where the run has ended: it may have been retried, by the same client just before.
        """
        watch = self._watched.setdefault((job, run_id), Watch(job, run_id))
        watch.left = time.monotonic()
        try:
            await self._refresh(watch)
        finally:
            if watch.done or not watch.looked > 0:
                self._forget_later(watch)
        if not watch.done and not watch.polled:
            watch.poller = asyncio.create_task(self._poll(watch))
        return watch

    async def _refresh(self, watch: Watch) -> None:
        begun_before = watch.looking is not None and not watch.looking.done()
        if watch.done or time.monotonic() > watch.looked + FRESH_S:
            await self._look_at(watch)
            if begun_before and watch.done:
                await self._look_at(watch)

    async def wait(self, job: str, run_id: str, seconds: float) -> Watch:
        """Return the watch of a run when the run has ended, or after a time."""
        watch = await self.watch(job, run_id)
        until = time.monotonic() + seconds
        async with self._client(watch):
            while not (watch.done or self._stopped) and (left := until - time.monotonic()) > 0:
                await watch.next(left)
        return watch

    async def follow(self, watch: Watch, last: int) -> AsyncIterator[Event | None]:
        """Yield the events after ``last`` up to the end of the run; None when there was none for COMMENT_S.

        Each is taken from the watch when the client has got the one before: a slow client keeps none in memory.
        """
        reader = Reader(watch, last)
        async with self._client(watch):
            while True:
                while (event := reader.take()) is not None:
                    yield event
                    if event.name == "done":
                        return
                if watch.done or self._stopped:
                    return
                if not await watch.next(COMMENT_S):
                    yield None

    @asynccontextmanager
    async def _client(self, watch: Watch) -> AsyncIterator[None]:
        """Count a client of a run as long as it is there."""
        watch.clients += 1
        try:
            yield
        finally:
            watch.clients -= 1
            watch.left = time.monotonic()
            if not watch.clients:
                self._forget_later(watch)

    async def _look_at(self, watch: Watch) -> None:
        """Look at a run; callers that come meanwhile share the look."""
        if watch.looking is None or watch.looking.done():
            watch.looking = asyncio.create_task(self._look_once(watch))
        await asyncio.shield(watch.looking)

    async def _look_once(self, watch: Watch) -> None:
        loop = asyncio.get_running_loop()
        watch.note(await loop.run_in_executor(self._pool, self._snapshot, watch.job, watch.run_id))

    def _snapshot(self, job: str, run_id: str) -> Snapshot | None:
        """Look, and write the document, in the thread: a large one would stop the event loop."""
        run = self._look(job, run_id)
        return None if run is None else snapshots.of(run)

    async def _poll(self, watch: Watch) -> None:
        took = 0.0
        while not watch.done and (watch.clients or time.monotonic() < watch.left + LINGER_S):
            await asyncio.sleep(max(INTERVAL_S, SHARE * took))
            begun = time.monotonic()
            try:
                await self._look_at(watch)
            except Exception:
                log.exception("cannot look at a run", job=watch.job, run=watch.run_id)
            took = time.monotonic() - begun
        self._forget_later(watch)

    def _forget_later(self, watch: Watch) -> None:
        """Forget a run some time after its last client has gone, and not before its poller has ended."""
        asyncio.get_running_loop().call_later(LINGER_S, self._forget, watch)

    def _forget(self, watch: Watch) -> None:
        if not watch.clients and not watch.polled and self._watched.get((watch.job, watch.run_id)) is watch:
            del self._watched[watch.job, watch.run_id]
