"""Where the events of a watch come from: checks by a function or a command. See ``queue`` for messages.

A run is wanted only when none is active: the number of active runs is read after the check, right before the event. The
time between this and the creation of the run remains; the scheduler drops a run whose check began before the end of
another run (``WatchEvent.is_outdated``), and the watch checks again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from airflow_mcp_provider.errors import TryAgain
from airflow_mcp_provider.trigger.airflow_internals import ACTIVE, count_runs, dag_folders
from airflow_mcp_provider.trigger.checker import checker
from airflow_mcp_provider.trigger.event import WatchEvent
from airflow_mcp_provider.trigger.found import Found, failed, read
from airflow_mcp_provider.trigger.messages import Request
from airflow_mcp_provider.trigger.reporter import Reporter

RUN_APPEARS = 60.0
"""Seconds to wait for the run of an event: a scheduler needs 1 to 5. Without a scheduler the check is repeated."""
POLL = 1.0
"""Seconds between two looks at the runs of the job while one is expected."""


class Source(Protocol):
    """Finds work, and waits for the run of what it found."""

    async def find(self, reporter: Reporter) -> WatchEvent | None:
        """Return an event for a run that may be created now, else None; raises any error of the check."""

    async def emitted(self) -> None:
        """Wait until the run of the event is there, for a limited time."""

    async def close(self) -> None:
        """End what it started."""


class Checks:
    """The checks of a watch by a function or a command; ``check`` is ``{"python": …}`` or ``{"command": […]}``."""

    def __init__(self, job: str, check: Mapping[str, Any], seconds: float) -> None:
        self._job = job
        command = check.get("command")
        self._request = Request(
            id=0,
            python=check.get("python"),
            command=None if command is None else tuple(command),
            timeout=seconds,
            folders=dag_folders(),
        )
        self._busy = False
        self._runs = 0

    async def find(self, reporter: Reporter) -> WatchEvent | None:
        """See ``Source``. While a run is active there is no check: its result would not be used."""
        if self._busy and await count_runs(self._job, ACTIVE):
            await reporter.waiting()
            return None
        at = datetime.now(UTC)
        found = await self._check(failing=reporter.failures > 0)
        await reporter.report(found, at)
        self._busy = found.pending and await count_runs(self._job, ACTIVE) > 0
        if not found.pending or self._busy:
            return None
        self._runs = await count_runs(self._job)
        return WatchEvent(found.conf, at)

    async def _check(self, *, failing: bool) -> Found:
        try:
            return read(self._request, await checker().run(self._request, failing=failing))
        except TryAgain as error:
            return failed(str(error))

    async def emitted(self) -> None:
        """See ``Source``."""
        await run_appears(self._job, self._runs, RUN_APPEARS)
        self._busy = True

    async def close(self) -> None:
        """See ``Source``."""


async def run_appears(job: str, before: int, seconds: float) -> bool:
    """Wait until the job has another number of runs than ``before``, or an active one; False after ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(POLL)
        if await count_runs(job) != before or await count_runs(job, ACTIVE):
            return True
    return False
