"""A semaphore with kinds of requests: how many requests are processed at once, and which one is next.

For one event loop; nothing here blocks. A released permit goes to the waiting kind with the fewest permits, so many
requests of one kind leave the share of the others free; without other waiting kinds, one kind may get all permits.
Requests of a kind are served in order, ``urgent`` ones first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Kind:
    """The requests of a kind: ``inside`` have a permit (at most ``most``), the others wait."""

    most: int
    inside: int = 0
    urgent: deque[asyncio.Future[None]] = field(default_factory=deque)
    others: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def waiting(self) -> int:
        """The number of waiting requests."""
        return len(self.urgent) + len(self.others)

    @property
    def ready(self) -> bool:
        """Whether a waiting request could get a permit."""
        return self.inside < self.most and self.waiting > 0


class PrioritySemaphore:
    """A semaphore with ``limit`` permits in total, and at most ``most`` for each kind."""

    def __init__(self, limit: int, most: Mapping[str, int]) -> None:
        self.limit = limit
        self.kinds = {name: Kind(most=min(count, limit)) for name, count in most.items()}

    @property
    def inside(self) -> int:
        """The number of acquired permits."""
        return sum(kind.inside for kind in self.kinds.values())

    async def acquire(self, name: str, *, urgent: bool = False) -> None:
        """Acquire a permit for the kind ``name``, waiting if necessary; release it with ``release``."""
        kind = self.kinds[name]
        if self.inside < self.limit and kind.inside < kind.most and not kind.waiting:
            kind.inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (kind.urgent if urgent else kind.others).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._withdraw(kind, turn)
            raise

    def release(self, name: str) -> None:
        """Release a permit of the kind ``name``; the next waiting request gets it."""
        self.kinds[name].inside -= 1
        self._admit()

    def _withdraw(self, kind: Kind, turn: asyncio.Future[None]) -> None:
        """Remove a cancelled request; if it was given a permit just before, another request gets the permit."""
        if turn.done() and not turn.cancelled():
            kind.inside -= 1
        for queue in (kind.urgent, kind.others):
            if turn in queue:
                queue.remove(turn)
        self._admit()

    def _admit(self) -> None:
        while self.inside < self.limit and (ready := [kind for kind in self.kinds.values() if kind.ready]):
            kind = min(ready, key=lambda one: one.inside)
            turn = (kind.urgent or kind.others).popleft()
            if not turn.done():
                kind.inside += 1
                turn.set_result(None)
