"""The subtasks of one run, in memory: what the API server keeps in Airflow's database.

The limits, the depths and the rule that stops a run are those of the server (``runtime.growth_rules``). Here is what
the server does with rows: a key is one subtask, and one that succeeded continues in the next step. Safe from several
threads, because the calls of the work come in a thread of their own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.operators.tally import Tallied, counted, page
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.answer_types import Counts
from airflow_mcp_provider.runtime.growth_rules import Growth, check_room
from airflow_mcp_provider.runtime.messages import Item
from airflow_mcp_provider.runtime.outcome import Error, Outcome, Status
from airflow_mcp_provider.runtime.payload import Child
from airflow_mcp_provider.runtime.request_types import Begin, StepLimits
from airflow_mcp_provider.spec import JobSpec, Step

State = Literal["waiting", "running", "succeeded", "failed", "skipped"]
_STATUS: dict[State, Status] = {"succeeded": "success", "failed": "failed"}


@dataclass
class Record:
    """A subtask in a step: its item, and how far it is."""

    item: Item
    step: str
    state: State = "waiting"
    attempt: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    result: Any = None
    error: Error | None = None
    message: str = ""

    @property
    def outcome(self) -> Outcome:
        """The subtask as the report gets it."""
        return self.item.ended(
            step=self.step,
            status=_STATUS.get(self.state, "skipped"),
            attempts=self.attempt,
            started=self.started,
            ended=self.ended,
            result=self.result,
            error=self.error,
        )


@dataclass
class Subtasks:
    """All subtasks of a run of the job; ``changed`` is called with each one that has changed."""

    spec: JobSpec
    changed: Callable[[Record], None] = lambda _: None
    records: list[Record] = field(default_factory=list)
    stopped: str | None = None

    def __post_init__(self) -> None:
        limits = Begin(str(self.spec.subtasks.tolerate), list(map(_limits, self.spec.each_step)))
        self._growth = Growth.begun(limits)
        self._keys: set[str] = set()
        self._waiting: list[deque[Record]] = [deque() for _ in self._growth.steps]
        self._failures = 0
        self._lock = threading.Lock()

    def enqueue(self, asking: Record | None, children: Sequence[Child]) -> int:
        """Add the subtasks that ``asking`` (None: plan) found; returns how many are new.

        Raises InvalidPayload, LimitReached, SpecError for a job that this one may not run; nothing was added then.
        """
        with self._lock:
            name = self._growth.step("" if asking is None else asking.step).name
            depth = 0 if asking is None else asking.item.depth + 1
            new = self._new(children)
            self._growth.check_limits(name, len(new), depth)
            parent = None if asking is None else asking.item.key
            for key, one in new.items():
                self._add(Record(Item(key, one.payload, parent, depth, one.job), name))
            self._keys |= new.keys()
            self._growth = self._growth.grown(name, len(new), len(new))
        return len(new)

    def done(self, record: Record, result: Any) -> None:  # noqa: ANN401 - any JSON
        """A subtask succeeded: it continues in the next step. Raises LimitReached where that one is full."""
        with self._lock:
            following = self._growth.after(record.step)
            if following is not None:
                check_room(following, 1)
                item, results = record.item, {**record.item.results, record.step: result}
                self._growth = self._growth.grown(following.name, 1, 0)
                self._add(Record(Item(item.key, item.payload, item.key, item.depth, results=results), following.name))
            record.state, record.result, record.ended = "succeeded", result, datetime.now(UTC)
        self.changed(record)

    def failed(self, record: Record, error: Error) -> None:
        """A subtask failed for good: the run is stopped when that is more than its job tolerates."""
        record.state, record.error, record.ended = "failed", error, datetime.now(UTC)
        self._failures += 1
        self.stopped = self.stopped or self._growth.stop_reason(self._failures)
        if self.stopped:
            self._skip()
        self.changed(record)

    def next(self) -> Record | None:
        """Return a subtask that may start: of the last step that has one, the first found.

        A step that waits, and all after it, come when no subtask of a step before has to start.
        """
        waits = [step.wait for step in self._growth.steps]
        for place in reversed(range(len(self._waiting))):
            held = any(waits[: place + 1]) and any(self._waiting[:place])
            if self._waiting[place] and not held:
                return self._waiting[place].popleft()
        return None

    def outcomes(self) -> Iterator[Outcome]:
        """Yield what each subtask ended with, step by step."""
        for step in self._growth.steps:
            yield from (one.outcome for one in self.records if one.step == step.name)

    def tallied(self, plan: str) -> Tallied:
        """Count the subtasks by how they ended; ``plan`` is the state of the plan."""
        steps = self._growth.steps
        pages = [page(one.name, one.filled, [out for out in self.outcomes() if out.step == one.name]) for one in steps]
        return counted(Counts(self._growth.subtasks, 0, 0, 0, 0, plan, {}), pages)

    def _add(self, record: Record) -> None:
        self.records.append(record)
        self._waiting[self._growth.names.index(record.step)].append(record)
        if self.stopped:
            self._skip()

    def _skip(self) -> None:
        for queue in self._waiting:
            while queue:
                queue.popleft().state = "skipped"

    def _new(self, children: Sequence[Child]) -> dict[str, Child]:
        found: dict[str, Child] = {}  # the first of two with one key stands
        for child in children:
            self._growth.check_fields(child.payload)
            found.setdefault(redaction.key(child.key), child)
        new = {key: child for key, child in found.items() if key not in self._keys}
        for job in {child.job for child in new.values() if child.job}:
            if job not in self.spec.calls:
                raise SpecError(f"the job {self.spec.id} may not run {job}; expected one of its subtasks.jobs")
        return new


def _limits(step: Step) -> StepLimits:
    own = step.subtasks
    if own is None or own.limit is None or own.depth is None:
        raise TypeError(f"incomplete step {step.name}; expected one of JobSpec.each_step")
    return StepLimits(step.name, own.limit, own.depth, wait=step.wait is not None)
