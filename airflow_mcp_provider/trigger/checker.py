"""Run checks in children of one fork server: ask it, wait for its reply, restart it when it ended.

Runs in the triggerer's event loop; it blocks it at no time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

import msgspec

from airflow_mcp_provider.errors import TryAgain
from airflow_mcp_provider.trigger.messages import MOST_BYTES, Reply, Request

CONCURRENT = 8
"""How many checks run at the same time in a triggerer; the others wait."""
CONCURRENT_FAILING = 2
"""The same for watches whose last check failed: checks that hang do not delay those of other jobs."""
IDLE = 120.0
"""Seconds without a check after which the fork server ends."""
MARGIN = 15.0
"""Seconds that a reply may come later than the time limit of its check."""
_LINE = 4 * MOST_BYTES * 6
"""The longest reply: both texts of a check, with each byte escaped."""
_SECRET = ("AIRFLOW__DATABASE__", "AIRFLOW__CELERY__", "AIRFLOW__API_AUTH__")
_SECRET_WORDS = ("FERNET", "SECRET_KEY", "JWT")


@dataclass
class _Server:
    """A running fork server, and who waits for which of its replies."""

    process: asyncio.subprocess.Process
    waiting: dict[int, asyncio.Future[Reply]] = field(default_factory=dict)
    ended: bool = False

    async def ask(self, request: Request) -> Reply:
        """Send a request and wait for its reply; raises TryAgain when there is none."""
        assert self.process.stdin is not None  # noqa: S101 - a pipe was asked for
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.waiting[request.id] = future
        try:
            self.process.stdin.write(msgspec.json.encode(request) + b"\n")
            async with asyncio.timeout(request.timeout + MARGIN):
                return await future
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            raise TryAgain("the process that runs the checks of this triggerer did not answer") from None
        finally:
            self.waiting.pop(request.id, None)

    async def read(self) -> None:
        """Hand out its replies until it ends."""
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            while line := await self.process.stdout.readline():
                reply = msgspec.json.decode(line, type=Reply)
                if (future := self.waiting.pop(reply.id, None)) and not future.done():
                    future.set_result(reply)
        finally:
            await self.end()

    async def end(self) -> None:
        """Close its input, so that it ends, and fail what waits for it."""
        self.ended = True
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(TryAgain("the process that runs the checks of this triggerer has ended"))
        self.waiting.clear()
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()


class Checker:
    """Runs checks: at most ``CONCURRENT`` at a time."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._healthy = asyncio.Semaphore(CONCURRENT)
        self._failing = asyncio.Semaphore(CONCURRENT_FAILING)
        self._starting = asyncio.Lock()
        self._server: _Server | None = None
        self._reader: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def run(self, request: Request, *, failing: bool = False) -> Reply:
        """Run a check; raises TryAgain when its process could not be started, or ended.

        ``failing``: the last check of this watch failed.
        """
        async with self._failing if failing else self._healthy:
            server = await self._running()
            try:
                return await server.ask(replace_id(request, next(self._numbers)))
            finally:
                self._close_later()

    def _close_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._close_idle)

    def _close_idle(self) -> None:
        if self._server and not self._server.waiting and self._server.process.stdin:
            self._server.process.stdin.close()
            self._server = None

    async def _running(self) -> _Server:
        async with self._starting:
            if self._server is None or self._server.ended:
                self._server = _Server(await _start())
                self._reader = asyncio.create_task(self._server.read(), name="replies of checks")
            return self._server


def replace_id(request: Request, number: int) -> Request:
    """Return the request with another id."""
    return msgspec.structs.replace(request, id=number)


async def _start() -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "airflow_mcp_provider.trigger.forkserver"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
            env=environment(os.environ),
            start_new_session=True,
        )
    except OSError as error:
        raise TryAgain(f"cannot start the process that runs the checks of this triggerer: {error}") from error


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of checks: that of the triggerer without Airflow's own secrets and its database."""
    return {name: value for name, value in own.items() if not _is_secret(name)}


def _is_secret(name: str) -> bool:
    return name.startswith(_SECRET) or (name.startswith("AIRFLOW__") and any(word in name for word in _SECRET_WORDS))


@cache
def checker() -> Checker:
    """Return the checker of this process."""
    return Checker()
