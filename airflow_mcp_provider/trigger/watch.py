"""The trigger of ``schedule.watch``: check, and emit an event when there is work and no run of the job is active.

Runs in the event loop of Airflow's triggerer, one for each job. Airflow makes an asset event of the trigger's event,
and the scheduler makes a run of it. Airflow restarts a trigger that raised at once, so ``run`` raises nothing: it waits
longer after each error, and stores the error where people see it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow_mcp_provider.trigger.airflow_internals import BaseEventTrigger, TriggerEvent
from airflow_mcp_provider.trigger.event import WatchEvent
from airflow_mcp_provider.trigger.found import failed
from airflow_mcp_provider.trigger.pause import Pause
from airflow_mcp_provider.trigger.queue import Messages
from airflow_mcp_provider.trigger.reporter import Reporter
from airflow_mcp_provider.trigger.source import Checks, Source


class WatchTrigger(BaseEventTrigger):
    """The watch of ``job``; ``check`` is ``Watch.check`` as JSON text, ``every`` and ``timeout`` are seconds.

    ``job`` makes the arguments differ: for equal arguments Airflow has only one trigger. All arguments are scalars:
    Airflow compares triggers by a hash of their serialized arguments, and serializes nested ones in two ways.
    """

    def __init__(self, *, job: str, check: str, every: float, timeout: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's
        self.job = job
        self.check = check
        self.every = every
        self.timeout = timeout

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow stores: always the same for the same spec, without secrets."""
        arguments = {"job": self.job, "check": self.check, "every": self.every, "timeout": self.timeout}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until Airflow cancels it, because the job was changed, paused or removed."""
        pause, reporter, source = (
            Pause(self.job, self.every),
            Reporter(self.job, self.every, self.asset_state_store),
            self._source(),
        )
        await reporter.load()
        try:
            while True:
                started = time.monotonic()
                if event := await _found(source, reporter):
                    yield TriggerEvent(event.dump())  # type: ignore[no-untyped-call]  # Airflow's
                    await _emitted(source, reporter)
                await asyncio.sleep(pause.after(reporter.failures, time.monotonic() - started))
        finally:
            await source.close()

    def _source(self) -> Source:
        check = json.loads(self.check)
        if "queue" in check:
            return Messages(self.job, check, self.asset_state_store)
        return Checks(self.job, check, self.timeout)


async def _found(source: Source, reporter: Reporter) -> WatchEvent | None:
    try:
        return await source.find(reporter)
    except Exception as error:  # noqa: BLE001 - see the top of this file
        await _failed(error, reporter)
        return None


async def _emitted(source: Source, reporter: Reporter) -> None:
    try:
        await source.emitted()
    except Exception as error:  # noqa: BLE001 - see the top of this file
        await _failed(error, reporter)


async def _failed(error: Exception, reporter: Reporter) -> None:
    await reporter.report(failed(f"{type(error).__name__}: {error}"), datetime.now(UTC))
