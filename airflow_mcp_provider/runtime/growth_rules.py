"""The rules of growth: how many subtasks a run has in each step, within which limits, and when it is stopped.

Used in the API server, where ``plugin.growth`` keeps the counts in Airflow's database, and by ``local_run``, which
keeps them in memory. Nothing here waits or stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta, Struct

from airflow_mcp_provider.errors import InvalidPayload, LimitReached, SpecError
from airflow_mcp_provider.runtime.messages import Count
from airflow_mcp_provider.runtime.request_types import Begin, StepLimits
from airflow_mcp_provider.spec import Tolerate
from airflow_mcp_provider.spec.step import RUN

MIN_ENDED = 20
"""A percentage tolerated is judged early only when this many subtasks are known: of three, one is not yet a third."""


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


class Growth(Struct, frozen=True):
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

    def check_limits(self, name: str, new: int, depth: int) -> None:
        """Raise LimitReached where the step cannot have ``new`` subtasks more that have ``depth`` parents."""
        step = self.step(name)
        if new and depth > step.depth:
            raise LimitReached(f"the new subtasks would have {depth} parents; subtasks.depth is {step.depth}")
        check_room(step, new)

    def check_fields(self, payload: Mapping[str, Any]) -> None:
        """Raise InvalidPayload for a field in which a later step finds the result of a step."""
        if hidden := [step.name for step in self.steps[:-1] if step.name in payload]:
            raise InvalidPayload(
                f"invalid field {hidden[0]!r} of the payload; expected another name: later steps find the result of "
                f"the step {hidden[0]!r} there"
            )

    def stop_reason(self, failed: int) -> str | None:
        """Return why the run starts no further subtask when ``failed`` have failed for good; None: it goes on."""
        tolerate, known = Tolerate.of(self.tolerate), self.subtasks
        if tolerate.allows(failed, known) or (tolerate.percent is not None and known < MIN_ENDED):
            return None
        many = f"{failed} of {known} known subtasks failed, and subtasks.tolerate is {tolerate}"
        return f"{many}: no further subtask is started"


def check_room(step: Step, new: int) -> None:
    """Raise LimitReached where a step cannot have ``new`` subtasks more."""
    if step.filled + new > step.limit:
        who = "run" if step.name == RUN else f"step {step.name}"
        raise LimitReached(f"the {who} would have {step.filled + new} subtasks; subtasks.limit is {step.limit}")


def _closed(step: Step) -> Step:
    free = step.instances * step.batch - step.reserved
    return msgspec.structs.replace(step, reserved=step.reserved + free, holes=step.holes + free)
