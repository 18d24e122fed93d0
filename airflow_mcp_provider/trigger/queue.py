"""The messages of a queue as a source of events: each message starts one run, whose conf is ``{"message": …}``.

Receives through ``MessageQueueTrigger`` of apache-airflow-providers-common-messaging. While a run is active at most one
message is received, which has the next run; the others wait in the queue, or are lost where it keeps none (Redis
Pub/Sub). A received message is kept in the asset state store until its run is there, so a triggerer that is killed
starts that run later; in a rare case it starts a second one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.trigger.airflow_internals import (
    ACTIVE,
    BaseEventTrigger,
    TriggerEvent,
    allow_sync_calls,
    count_runs,
)
from airflow_mcp_provider.trigger.event import WatchEvent
from airflow_mcp_provider.trigger.found import Found
from airflow_mcp_provider.trigger.messages import MOST_BYTES
from airflow_mcp_provider.trigger.reporter import Reporter, Store
from airflow_mcp_provider.trigger.source import run_appears
from airflow_mcp_provider.trigger.status import MESSAGE_KEY

MESSAGE = "message"
"""The key of the conf of a run."""
RUN_APPEARS = 600.0
"""Seconds to wait for the run of a message before its event is repeated: without a scheduler there is no run."""
_WAIT = 30.0


class Messages:
    """The messages of a queue; ``check`` is ``{"queue": scheme or URI, "args": {…}}``."""

    def __init__(self, job: str, check: Mapping[str, Any], store: Store | None) -> None:
        self._job = job
        self._check = check
        self._store = store
        self._loaded = False
        self._held: Any = None
        self._runs: int | None = None
        self._trigger: BaseEventTrigger | None = None
        self._events: AsyncIterator[TriggerEvent] | None = None
        self._receiving: asyncio.Task[Any] | None = None

    async def find(self, reporter: Reporter) -> WatchEvent | None:
        """See ``Source``."""
        await self._load()
        if self._runs is not None and await count_runs(self._job) != self._runs:
            await self._forget()
        if self._held is None:
            await self._receive(reporter)
        if self._held is None or await count_runs(self._job, ACTIVE):
            await reporter.waiting()
            return None
        await reporter.report(Found(pending=True), datetime.now(UTC))
        self._runs = await count_runs(self._job)
        return WatchEvent({MESSAGE: self._held[MESSAGE]})

    async def emitted(self) -> None:
        """See ``Source``. The message is forgotten when its run is there, and else its event is repeated."""
        if self._runs is not None and await run_appears(self._job, self._runs, RUN_APPEARS):
            await self._forget()

    async def _forget(self) -> None:
        if self._store is not None:
            await self._store.adelete(MESSAGE_KEY)
        self._held = self._runs = None

    async def close(self) -> None:
        """See ``Source``."""
        await self._stop()

    async def _load(self) -> None:
        if not self._loaded and self._store is not None:
            self._held = await self._store.aget(MESSAGE_KEY)
        self._loaded = True

    async def _receive(self, reporter: Reporter) -> None:
        """Wait some time for a message, and keep it."""
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._next(), name=f"messages of {self._job}")
            allow_sync_calls(self._receiving)
        done, _ = await asyncio.wait({self._receiving}, timeout=_WAIT)
        if not done:
            await reporter.report(Found(), datetime.now(UTC))
            return
        task, self._receiving = self._receiving, None
        try:
            self._held = {MESSAGE: plain(task.result())}
        except BaseException:
            await self._stop()
            raise
        if self._store is not None:
            await self._store.aset(MESSAGE_KEY, self._held)

    async def _next(self) -> Any:  # noqa: ANN401 - whatever a provider sends
        while True:
            if self._trigger is None:
                self._trigger = await asyncio.to_thread(message_trigger, self._check)
            if self._events is None:
                self._events = aiter(self._trigger.run())
            try:
                return (await anext(self._events)).payload
            except StopAsyncIteration:  # some triggers end after each message
                self._events = None

    async def _stop(self) -> None:
        task, self._receiving, self._events, self._trigger = self._receiving, None, None, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


def message_trigger(check: Mapping[str, Any]) -> BaseEventTrigger:
    """Return the trigger of common.messaging for a queue; imports all installed providers of queues."""
    from airflow.providers.common.messaging.triggers.msg_queue import (  # noqa: PLC0415 - optional
        MessageQueueTrigger,
    )

    name = "queue" if "://" in check["queue"] else "scheme"
    made: BaseEventTrigger = MessageQueueTrigger(**{name: check["queue"]}, **check.get("args", {})).trigger
    return made


def plain(payload: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a message as JSON; other values as text. Raises InvalidPayload for one that is too large."""
    text = json.dumps(payload, default=str)
    if len(text) > MOST_BYTES:
        raise InvalidPayload(f"dropped a message of {len(text)} bytes; expected at most {MOST_BYTES}")
    return json.loads(text)
