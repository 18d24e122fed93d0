"""Places inside the API server's application: how many requests may be there at once, and who is next.

One event loop's; nothing here blocks. A place that becomes free goes to the kind with the fewest requests inside among
those that wait, so a flood of one kind leaves its share to the others; a kind that nobody else waits beside may have
all. Requests of a kind come in their order, but those that are ``urgent`` first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Kind:
    """The requests of a kind: how many are inside, of at most ``most``, and who waits."""

    most: int
    inside: int = 0
    urgent: deque[asyncio.Future[None]] = field(default_factory=deque)
    others: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def waiting(self) -> int:
        """Count those that wait."""
        return len(self.urgent) + len(self.others)

    @property
    def ready(self) -> bool:
        """Whether one of those that wait could have a place."""
        return self.inside < self.most and self.waiting > 0


class Places:
    """``limit`` places for all kinds together; ``most`` of them for each kind."""

    def __init__(self, limit: int, most: Mapping[str, int]) -> None:
        self.limit = limit
        self.kinds = {name: Kind(most=min(count, limit)) for name, count in most.items()}

    @property
    def inside(self) -> int:
        """Count the places taken."""
        return sum(kind.inside for kind in self.kinds.values())

    async def enter(self, name: str, *, urgent: bool = False) -> None:
        """Take a place, now or when one is free; leave it with ``leave``."""
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

    def leave(self, name: str) -> None:
        """Give a place back, to who is next."""
        self.kinds[name].inside -= 1
        self._admit()

    def _withdraw(self, kind: Kind, turn: asyncio.Future[None]) -> None:
        """Forget one that was cancelled; the place that it had been given just before goes to another."""
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
