"""How far the subtasks of a batch are: the row ``mcp.batch`` of the task instance that serves them.

Written in the API server, in the transaction that gives a runner its next subtask. A subtask is *taken* there before
its work begins: when the runner is lost, the attempt of that subtask is counted, and no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Self, get_args

from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock, rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.runtime import store_keys

Status = Literal["taken", "again", "success", "failed"]
NEVER = -1
"""The life of a batch that no runner has begun yet."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One subtask: ``taken`` since ``at``, to be done ``again`` not before ``at`` (None: at once), or ended.

    ``attempts`` counts its starts; ``spent`` are those of them that count no more, because it was cleared.
    """

    status: Status
    attempts: int
    spent: int = 0
    at: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has the form that we write."""
        if self.at is not None and clock.parsed(self.at) is None:
            return False
        numbers = type(self.attempts) is int and type(self.spent) is int
        return numbers and self.status in get_args(Status)

    @property
    def ended(self) -> bool:
        """Whether it is done with."""
        return self.status in {"success", "failed"}

    @property
    def fresh(self) -> bool:
        """Whether it has not been tried since it was planned or cleared."""
        return self.status == "again" and self.attempts == self.spent

    def reset(self) -> Self:
        """Return this turn as after a clear."""
        return replace(self, status="again", spent=self.attempts, at=None)


@dataclass(frozen=True, slots=True)
class Batch:
    """The subtasks that were begun, by their places; in which life of the task instance (see ``next_step``)."""

    life: int = NEVER
    turns: Mapping[int, Turn] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Build from the row; raises InvalidRow."""
        try:
            made = cls(value["life"], {int(place): Turn(**turn) for place, turn in value["turns"].items()})
            if type(made.life) is int and all(turn.is_whole for turn in made.turns.values()):
                return made
        except rows.BROKEN:
            pass
        raise rows.invalid(store_keys.BATCH, "an object with the life of a batch and its turns", value)

    @classmethod
    def read(cls, session: Session, run: RunRef, step: str, index: int) -> Self:
        """Return that of a task instance."""
        value = state_store.read(session, run, step, index, store_keys.BATCH)
        return cls() if value is None else cls.of(value)

    @classmethod
    def locked(cls, session: Session, run: RunRef, step: str, index: int) -> Self:
        """Return that of a task instance, and keep others from it in this transaction."""
        value = state_store.locked(session, run, step, index, store_keys.BATCH)
        return cls() if value is None else cls.of(value)

    def write(self, session: Session, run: RunRef, step: str, index: int) -> None:
        """Write the row."""
        state_store.write(session, run, step, index, store_keys.BATCH, asdict(self))

    def set(self, place: int, turn: Turn) -> Self:
        """Return it with another state of one subtask."""
        return replace(self, turns={**self.turns, place: turn})

    def again(self, place: int) -> Self:
        """Return it with one subtask to be done again, where it was begun."""
        return self.set(place, self.turns[place].reset()) if place in self.turns else self

    def in_life(self, life: int, places: Collection[int]) -> Self:
        """Return it in the life that its task instance has now.

        Cleared, it repeats what did not end well; when all ended well, it repeats all.
        """
        if life == self.life:
            return self
        whole = all(place in self.turns and self.turns[place].status == "success" for place in places)
        turns = {p: turn if turn.status == "success" and not whole else turn.reset() for p, turn in self.turns.items()}
        return type(self)(life, turns)

    def taken(self) -> dict[int, Turn]:
        """Return those that a runner has in hand, or had when it was lost."""
        return {place: turn for place, turn in self.turns.items() if turn.status == "taken"}

    def next(self, places: Collection[int], now: datetime, *, fresh: bool) -> int | None:
        """Return the place to take now: of what was not tried yet, else (unless ``fresh``) of what is due again."""
        if (place := next(iter(self.untried(places)), None)) is not None or fresh:
            return place
        due = self.due(places)
        return due[1] if due and due[0] <= now else None

    def untried(self, places: Collection[int]) -> list[int]:
        """Return those that were not tried since they were planned or cleared, in their order."""
        return [place for place in places if place not in self.turns or self.turns[place].fresh]

    def begun(self, place: int, now: datetime) -> Turn:
        """Return the turn of one that begins now."""
        before = self.turns.get(place, Turn("again", 0))
        return Turn("taken", before.attempts + 1, before.spent, now.isoformat())

    def due(self, places: Collection[int]) -> tuple[datetime, int] | None:
        """Return when the first of those that are to be done again is due, and its place."""
        waiting = [(at, place) for place, turn in self._again(places) if (at := clock.parsed(turn.at))]
        return min(waiting, default=None)

    def _again(self, places: Collection[int]) -> list[tuple[int, Turn]]:
        return [(place, self.turns[place]) for place in places if self.turns.get(place, _NONE).status == "again"]


_NONE = Turn("taken", 0)
