"""A runner's line to the API server: the tries, waits and time limits of Airflow's own client, and a record of all calls.

All runners share one client of aiohttp: a call costs 0.1 ms of the processor's time, however many runners there are; one of
httpx costs 2 ms with 40 calls at once, and 13 ms with 200.
"""

import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

KEEP = 3.0
"""Seconds for which an idle connection is kept: less than the server does (5), so that none ends while it is used."""


class RunnerEnds(Exception):
    """This runner cannot go on: its message tells why."""


@dataclass(frozen=True)
class Settings:
    """See ``tests.swarm.executor``."""

    server: str
    version: str
    tries: int
    wait_min: float
    wait_max: float
    timeout: float
    beat: float
    log: str

    def wait(self, failed: int) -> float:
        """Seconds before the next try: as tenacity's ``wait_random_exponential``, which Airflow's client uses."""
        return random.uniform(self.wait_min, max(self.wait_min, min(self.wait_max, 2.0 ** (failed - 1))))


class Record:
    """What the runners did, one JSON object a line; several processes may write into one file."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, **line: Any) -> None:
        """Write at once: what a runner has been told stands there, also when this process is killed."""
        os.write(self._file, json.dumps(line).encode() + b"\n")


class Exchange:
    """What all runners of a process share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.record = Record(settings.log)
        # As httpx has it: the limit is for each wait, not for the whole call.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=settings.timeout, sock_read=settings.timeout)
        headers = {"airflow-api-version": settings.version, "content-type": "application/json"}
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP)
        self.client = aiohttp.ClientSession(timeout=timeout, headers=headers, connector=connector)


class Line:
    """One runner's line."""

    def __init__(self, exchange: Exchange, token: str) -> None:
        self._exchange = exchange
        self._headers = {"authorization": f"Bearer {token}"}

    async def call(self, kind: str, method: str, path: str, body: object = None) -> Any:
        """Call until the server answers with less than 500; returns the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        settings = self._exchange.settings
        code: int | str = ""
        for attempt in range(1, settings.tries + 1):
            code, text = await self._try(kind, method, path, data)
            if isinstance(code, int) and code < 500:
                break
            await asyncio.sleep(settings.wait(attempt))
        else:
            raise RunnerEnds(f"{kind}: gave up after {settings.tries} tries, the last one: {code}")
        if code >= 400:
            raise RunnerEnds(f"{kind}: {code} {text[:300]!r}")
        return json.loads(text) if text else None

    async def _try(self, kind: str, method: str, path: str, data: bytes | None) -> tuple[int | str, bytes]:
        at, begin = time.time(), time.perf_counter()
        code, text = await self._once(method, self._exchange.settings.server + path, data)
        self._exchange.record.write(call=kind, code=code, took=round(time.perf_counter() - begin, 4), at=round(at, 3))
        return code, text

    async def _once(self, method: str, url: str, data: bytes | None) -> tuple[int | str, bytes]:
        try:
            async with self._exchange.client.request(method, url, data=data, headers=self._headers) as answer:
                if token := answer.headers.get("Refreshed-API-Token"):
                    self._headers = {"authorization": f"Bearer {token}"}
                return answer.status, await answer.read()
        except TimeoutError:
            return "timeout", b""
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__, b""


async def lines() -> asyncio.StreamReader:
    """Return this process's stdin."""
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def lines_of(path: Path, begin: int = 0) -> list[dict[str, Any]]:
    """Read a record from a byte on; a line that is being written is left out."""
    with path.open("rb") as file:
        file.seek(begin)
        return [json.loads(line) for line in file if line.endswith(b"\n")]
