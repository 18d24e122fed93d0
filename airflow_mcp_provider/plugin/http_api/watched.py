"""A run that is watched: its events, and which of them a client has not got.

The id of an event is twice a time in milliseconds, and one more for the end of the run: it grows, also from one server
to the next, and another server sees that the client has got the end.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field, replace

from airflow_mcp_provider.client.models import Event as EventName
from airflow_mcp_provider.plugin.http_api.snapshots import Snapshot

KEPT, KEPT_BYTES = 256, 4_000_000
"""So many events of a run are kept, and so many bytes of them; the latest one always."""
FUTURE_MS = 24 * 3600 * 1000
"""An event id that is further in the future than this was not made by a server."""
ID_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Event:
    """``id`` grows with each event of a run that a client gets."""

    id: int
    name: EventName
    run: Snapshot


def event_id(header: str | None) -> int:
    """Return the id in ``Last-Event-ID``; 0 without one, and for what no server has made."""
    text = header or ""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS else 0
    return number if number < 2 * (_now_ms() + FUTURE_MS) else 0


def _now_ms() -> int:
    return int(time.time() * 1000)


def _next_id(run: Snapshot, before: int) -> int:
    """Return an id after ``before``, odd for the end. That of an end is not before the end."""
    number = max(2 * max(_now_ms(), run.ended_ms), before + 1)
    return number + (number % 2 != run.done)


@dataclass
class Watch:
    """A run that is watched. ``gone``: it does not exist.

    ``looked`` and ``left`` are the times of the latest look and of the latest client that has gone, in seconds of a
    monotonic clock.
    """

    job: str
    run_id: str
    events: deque[Event] = field(default_factory=deque)
    clients: int = 0
    gone: bool = False
    looked: float = -1e9
    left: float = 0.0
    poller: asyncio.Task[None] | None = None
    looking: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _bytes: int = 0

    def note(self, run: Snapshot | None) -> None:
        """Take what a look has found."""
        self.looked = time.monotonic()
        self.gone = run is None
        if run is not None:
            if self.events and self.events[-1].run.whole.tag == run.whole.tag:
                return
            self._add(run)
        self.wake()

    def wake(self) -> None:
        """Let all clients look whether there is something for them."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def _add(self, run: Snapshot) -> None:
        before = self.events[-1].id if self.events else 0
        if self.done and not run.done:
            # It was retried: nobody should get the earlier end now.
            self.events.clear()
            self._bytes = 0
        self.events.append(Event(_next_id(run, before), "done" if run.done else "progress", run))
        self._bytes += run.size
        while len(self.events) > 1 and (len(self.events) > KEPT or self._bytes > KEPT_BYTES):
            self._bytes -= self.events.popleft().run.size

    def has_end(self, last: int) -> bool:
        """Whether the client whose latest event is ``last`` has the end of the run: from this server or another one."""
        return self.done and not self.gone and bool(last % 2) and last >= 2 * self.events[-1].run.ended_ms

    @property
    def latest(self) -> Snapshot | None:
        """The latest document; None for a run that does not exist."""
        return self.events[-1].run if self.events and not self.gone else None

    @property
    def done(self) -> bool:
        """Whether there is nothing more to come."""
        return self.gone or bool(self.events and self.events[-1].run.done)

    @property
    def polled(self) -> bool:
        """Whether its poller works."""
        return self.poller is not None and not self.poller.done()

    async def next(self, seconds: float) -> bool:
        """Wait for a change; returns False after ``seconds`` without one."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return False
        return True


@dataclass
class Reader:
    """One client of a run. ``sent``: the highest id that it has, maybe from another server; 0: none.

    A client without an id, or with a higher one than those here, begins with the latest document.
    """

    watch: Watch
    sent: int
    _own: int | None = None
    """The id here of its latest event."""

    def take(self) -> Event | None:
        """Return the next event for the client; None where it has all."""
        events = self.watch.events
        if not events:
            return None
        if self._own is None:
            self._own = self.sent if 0 < self.sent <= events[-1].id else events[-1].id - 1
        found = next((event for event in events if event.id > (self._own or 0)), None)
        if found is None:
            return None
        self._own = found.id
        self.sent = found.id if found.id > self.sent else _next_id(found.run, self.sent)
        return replace(found, id=self.sent)
