"""The row ``mcp.run`` in plan's store: what is known of a run, and the lock that makes it exact.

Every call that gives places updates it first, which locks it (and on SQLite takes the database's write lock before
anything is read), so keys and map indexes are exact however many call at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Self

from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.spec import Tolerate

MOST_STEPS, MOST = 1_000, 2**31


@dataclass(frozen=True, slots=True)
class Step:
    """A step's places: how many are given, within which limits. ``wait``: it begins after the steps before it.

    A task instance serves ``batch`` places. When its runner ends, those of them that are still free are given to
    nobody: ``holes``.
    """

    name: str
    limit: int
    depth: int
    wait: bool = False
    reserved: int = 0
    batch: int = 1
    holes: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether it has the form that we write."""
        counts = (self.limit, self.depth, self.reserved, self.holes)
        numbers = all(type(one) is int and 0 <= one < MOST for one in counts)
        return numbers and type(self.batch) is int and 0 < self.batch < MOST and isinstance(self.name, str)

    @property
    def filled(self) -> int:
        """Count the subtasks."""
        return self.reserved - self.holes

    @property
    def instances(self) -> int:
        """Count the task instances that serve the places."""
        return -(-self.reserved // self.batch)

    @property
    def open(self) -> int | None:
        """Return the task instance that has free places; None: the next place is the first of a new one."""
        return self.reserved // self.batch if self.reserved % self.batch else None


@dataclass(frozen=True, slots=True)
class Reserved:
    """The run's subtasks: how many are known (each once, however many steps it went), and the places of each step.

    ``stopped`` is why no further subtask starts; it holds while the run's ``clear_number`` is ``stopped_at``, so
    that clearing failed subtasks lets the run go on.
    """

    tolerate: str
    steps: tuple[Step, ...]
    subtasks: int = 0
    stopped: str | None = None
    stopped_at: int = 0

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Build from the row, or from what plan begins with; raises InvalidRow."""
        try:
            made = cls(**{**value, "steps": tuple(Step(**step) for step in value["steps"][: MOST_STEPS + 1])})
            Tolerate.of(made.tolerate)
            if made.is_whole:
                return made
        except (SpecError, *rows.BROKEN):
            pass
        raise rows.invalid(protocol.RUN, "an object with tolerate and steps", value)

    @property
    def is_whole(self) -> bool:
        """Whether it has the form that we write."""
        numbers = type(self.subtasks) is int and type(self.stopped_at) is int
        steps = 0 < len(self.steps) <= MOST_STEPS and all(step.is_whole for step in self.steps)
        return numbers and steps and isinstance(self.stopped, str | None)

    @classmethod
    def read(cls, session: Session, run: RunRef) -> Self | None:
        """Return it, None before plan has begun."""
        value = state_store.read(session, run, PLAN, -1, protocol.RUN)
        return None if value is None else cls.of(value)

    @classmethod
    def locked(cls, session: Session, run: RunRef) -> Self | None:
        """Take the row for this transaction, and return what it holds: None before plan has begun."""
        value = state_store.locked(session, run, PLAN, -1, protocol.RUN)
        return None if value is None else cls.of(value)

    def write(self, session: Session, run: RunRef) -> None:
        """Keep it."""
        state_store.write(session, run, PLAN, -1, protocol.RUN, asdict(self))

    def halted(self, clear_number: int) -> bool:
        """Whether no further subtask may start."""
        return self.stopped is not None and self.stopped_at == clear_number

    @property
    def names(self) -> tuple[str, ...]:
        """The steps' names, which are their tasks' ids."""
        return tuple(step.name for step in self.steps)

    @property
    def instances(self) -> int:
        """Count the task instances that serve the places of all steps."""
        return sum(step.instances for step in self.steps)

    def step(self, name: str) -> Step:
        """Return the step of that name, the first for plan."""
        return next((step for step in self.steps if step.name == name), self.steps[0])

    def before(self, name: str) -> tuple[Step, ...]:
        """Return the steps that come before ``name``."""
        return self.steps[: self.names.index(name)]

    def after(self, name: str) -> Step | None:
        """Return the step that comes next."""
        return next((later for one, later in pairwise(self.steps) if one.name == name), None)

    def grown(self, name: str, places: int, subtasks: int) -> Self:
        """Return it with so many places more in a step, and so many subtasks more in all."""
        steps = tuple(replace(one, reserved=one.reserved + places) if one.name == name else one for one in self.steps)
        return replace(self, steps=steps, subtasks=self.subtasks + subtasks)

    def closed(self, name: str) -> Self:
        """Return it with the next place of that step in a new task instance."""
        return replace(self, steps=tuple(_closed(one) if one.name == name else one for one in self.steps))

    def list_of(self, step: Step) -> str:
        """Return the task whose list Airflow maps the step over."""
        return PLAN if step == self.steps[0] else step.name + protocol.PLACES


def _closed(step: Step) -> Step:
    free = step.instances * step.batch - step.reserved
    return replace(step, reserved=step.reserved + free, holes=step.holes + free)
