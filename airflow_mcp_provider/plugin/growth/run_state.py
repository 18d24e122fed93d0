"""The row ``mcp.run`` in plan's store: what is known of a run, and the lock that makes it exact.

Every call that gives places updates it first, which locks it (and on SQLite takes the database's write lock before
anything is read), so keys and map indexes are exact however many call at once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, SpecError
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.messages import Count
from airflow_mcp_provider.runtime.request_types import Begin, StepLimits
from airflow_mcp_provider.spec import Tolerate


class Step(StepLimits, frozen=True):
    """A step's places: how many are given, within which limits.

    A task instance serves ``batch`` places. When its runner ends, those of them that are still free get no subtask any
    more: ``holes``.
    """

    reserved: Count = 0
    holes: Count = 0

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


class RunState(Struct, frozen=True):
    """The run's subtasks: how many are known, each once in all steps, and the places of each step.

    ``stopped`` is why no further subtask starts; it holds while the run's ``clear_number`` is ``stopped_at``, so
    that clearing failed subtasks lets the run go on.
    """

    tolerate: str
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=1_000)]
    subtasks: Count = 0
    stopped: str | None = None
    stopped_at: Count = 0

    @classmethod
    def begun(cls, begin: Begin) -> Self:
        """Build from what plan starts with; raises InvalidPayload."""
        try:
            Tolerate.of(begin.tolerate)
        except SpecError as error:
            raise InvalidPayload(f"invalid begin.tolerate: {error}") from None
        return cls(begin.tolerate, tuple(Step(**msgspec.structs.asdict(one)) for one in begin.steps))

    @classmethod
    def of(cls, value: object) -> Self:
        """Build from the row's JSON value; raises InvalidRow."""
        try:
            made = msgspec.convert(value, cls)
            Tolerate.of(made.tolerate)
        except (SpecError, ValueError, RecursionError):
            raise rows.invalid(store_keys.RUN, "an object with tolerate and steps", value) from None
        return made

    @classmethod
    def read(cls, session: Session, run: RunRef) -> Self | None:
        """Read the state of a run; None before plan has begun."""
        value = state_store.read(session, run, PLAN, -1, store_keys.RUN)
        return None if value is None else cls.of(value)

    @classmethod
    def locked(cls, session: Session, run: RunRef) -> Self | None:
        """Take the row for this transaction, and return what it holds: None before plan has begun."""
        value = state_store.locked(session, run, PLAN, -1, store_keys.RUN)
        return None if value is None else cls.of(value)

    def write(self, session: Session, run: RunRef) -> None:
        """Store it."""
        state_store.write(session, run, PLAN, -1, store_keys.RUN, self)

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

    def serves_batch(self, name: str) -> bool:
        """Whether a task instance of the step ``name`` serves several subtasks; False for plan and report."""
        return name in self.names and self.step(name).batch > 1

    def before(self, name: str) -> tuple[Step, ...]:
        """Return the steps that come before ``name``."""
        return self.steps[: self.names.index(name)]

    def after(self, name: str) -> Step | None:
        """Return the step that comes next."""
        return next((later for one, later in pairwise(self.steps) if one.name == name), None)

    def grown(self, name: str, places: int, subtasks: int) -> Self:
        """Return it with so many places more in a step, and so many subtasks more in all."""
        steps = tuple(
            msgspec.structs.replace(one, reserved=one.reserved + places) if one.name == name else one
            for one in self.steps
        )
        return msgspec.structs.replace(self, steps=steps, subtasks=self.subtasks + subtasks)

    def closed(self, name: str) -> Self:
        """Return it with the next place of that step in a new task instance."""
        return msgspec.structs.replace(
            self, steps=tuple(_closed(one) if one.name == name else one for one in self.steps)
        )

    def list_of(self, step: Step) -> str:
        """Return the task whose list Airflow maps the step over."""
        return PLAN if step == self.steps[0] else step.name + store_keys.PLACES


def _closed(step: Step) -> Step:
    free = step.instances * step.batch - step.reserved
    return msgspec.structs.replace(step, reserved=step.reserved + free, holes=step.holes + free)
