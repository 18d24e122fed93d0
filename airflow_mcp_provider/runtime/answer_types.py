"""Answers of the API server to the requests of runners: fields and types of each."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from airflow_mcp_provider.runtime.messages import Item, Message
from airflow_mcp_provider.runtime.outcome import Outcome


class Refused(Message, frozen=True):
    """The request was refused, and nothing was changed: the class in ``errors`` to raise, and its message."""

    type: str
    message: str


class Enqueued(Message, frozen=True):
    """Answer to Enqueue: how many subtasks were ``new``.

    ``reserved`` subtasks are known in the step, which ``instances`` task instances serve; Airflow maps a task over at
    most ``mappable`` entries by itself.
    """

    new: int
    reserved: int
    instances: int
    mappable: int


class Continued(Message, frozen=True):
    """Answer to Done: whether the subtask is ``new`` in the next step, 1 or 0."""

    new: int


class NextBase(Message, frozen=True, kw_only=True, tag_field="next", omit_defaults=False):
    """Answer to Next; ``new``: how many of the subtasks that the request reported are new in the next step."""

    new: int = 0


class NextSubtask(NextBase, frozen=True, kw_only=True, tag="subtask"):
    """Do this one. ``tried`` counts its attempts since it was cleared.

    ``ahead`` are those that follow, while all succeed.
    """

    place: int
    attempt: int
    tried: int
    item: Item
    ahead: list[NextSubtask] = msgspec.field(default_factory=list)


class NextDue(NextBase, frozen=True, kw_only=True, tag="due"):
    """Nothing now; one is tried again at ``due``, ISO 8601. ``label`` names the batch."""

    due: str
    label: str


class NextStopped(NextBase, frozen=True, kw_only=True, tag="stopped"):
    """The run starts no further subtask."""

    reason: str
    label: str


class NextWaits(NextBase, frozen=True, kw_only=True, tag="waits"):
    """The step has to wait for the steps before it."""

    reason: str
    label: str


class NextOver(NextBase, frozen=True, kw_only=True, tag="over"):
    """All ``size`` subtasks have ended; ``failed`` of them failed, ``first`` is the error of the first of those."""

    size: int
    failed: int
    label: str
    first: str = ""


NextEnd = NextDue | NextStopped | NextWaits | NextOver
NextAnswer = NextSubtask | NextEnd


class ChildRun(Message, frozen=True):
    """Answer to CallJob: the run's id and state; ``waited``: seconds since it was created; ``report``: its result.

    ``trace`` is the span of the run, a W3C traceparent, where Airflow's tracing is on.
    """

    run: str
    state: str
    waited: float
    report: Any = None
    trace: str | None = None


class StepCounts(Struct, frozen=True):
    """The subtasks of a step by how they ended; ``pending`` have not ended."""

    subtasks: int
    succeeded: int
    failed: int
    skipped: int
    pending: int = 0


class Counts(Struct, frozen=True):
    """Answer to Confirm: a run's subtasks by how they ended, each once.

    ``reserved`` are all that are known, ``plan`` is the state of the task plan. ``steps`` is empty for a single step.
    """

    reserved: int
    succeeded: int
    failed: int
    skipped: int
    pending: int
    plan: str
    steps: dict[str, StepCounts]


class FailedSubtask(Message, frozen=True):
    """A failure as a run's result lists it; ``step`` is None in a job of one step."""

    key: str
    type: str
    message: str
    step: str | None = None


class TallyPage(Struct, frozen=True):
    """The counts of one page of outcomes, and where the next page begins (None: this was the last)."""

    steps: dict[str, StepCounts]
    failures: list[FailedSubtask]
    next: str | None


class OutcomesPage(Struct, frozen=True):
    """One page of outcomes, and where the next page begins (None: this was the last)."""

    outcomes: list[Outcome]
    next: str | None
