"""Store the status of a watch in the asset state store, when it changes and from time to time."""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from airflow_mcp_provider.trigger.found import Found
from airflow_mcp_provider.trigger.status import KEY, REFRESH, WatchStatus, after

SECONDS_PER_WATCH = 0.3
"""With more than 200 watches in a triggerer the status of each is stored less often: at most 3 writes per second."""

log = structlog.get_logger(__name__)
_running: weakref.WeakSet[Reporter] = weakref.WeakSet()


class Store(Protocol):
    """The part of Airflow's accessor of the asset state store that is used."""

    async def aget(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON
        """Return the value, or ``default``."""

    async def aset(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Write the value."""

    async def adelete(self, key: str) -> None:
        """Remove the value, if there is one."""


class Reporter:
    """The status of the watch of a job; ``every`` is seconds, ``store`` is None where Airflow does not provide one."""

    def __init__(self, job: str, every: float, store: Store | None) -> None:
        self._job = job
        self._store = store
        self._status = WatchStatus(datetime.now(UTC), every=every)
        self._stored: WatchStatus | None = None
        self._stored_at = -REFRESH.total_seconds()
        _running.add(self)

    @property
    def failures(self) -> int:
        """The number of checks that failed since the last one that succeeded."""
        return self._status.failures

    async def load(self) -> None:
        """Read the status that an earlier triggerer stored."""
        if self._store is not None:
            try:
                if found := WatchStatus.read(await self._store.aget(KEY)):
                    self._status = replace(found, every=self._status.every)
            except Exception:
                log.exception("cannot read the status of a watch", job=self._job)

    async def report(self, found: Found, checked_at: datetime) -> None:
        """Store what a check found."""
        self._status = after(self._status, found, checked_at)
        if found.error is not None:
            log.warning("check failed", job=self._job, error=found.error, failures=self._status.failures)
        await self._store_if_due()

    async def waiting(self) -> None:
        """Store that the watch waits for the end of a run, without a check."""
        self._status = self._status.seen(datetime.now(UTC))
        await self._store_if_due()

    async def _store_if_due(self) -> None:
        status, store = self._status, self._store
        if store is None:
            return
        due = time.monotonic() - self._stored_at >= max(REFRESH.total_seconds(), SECONDS_PER_WATCH * len(_running))
        if due or self._stored is None or not status.same(self._stored):
            try:
                await store.aset(KEY, status.dump())
                self._stored, self._stored_at = status, time.monotonic()
            except Exception:
                log.exception("cannot store the status of a watch", job=self._job)
