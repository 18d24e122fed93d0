"""The outcome of a subtask, as a job's report gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

Status = Literal["success", "failed", "skipped"]


@dataclass(frozen=True)
class Error:
    """Why a subtask failed: the exception's class, its message, and the last lines of its traceback."""

    type: Annotated[str, Meta(max_length=2_000)]
    message: str
    trace: str = ""


@dataclass(frozen=True)
class Outcome:
    """One ended subtask of the run.

    ``parent`` is the key of the subtask that enqueued it (None: plan did), ``depth`` the number of its ancestors,
    ``attempts`` the number of starts (0: never started), ``result`` the return value of the work (JSON), ``error`` the
    reason of a failure. The status ``skipped`` is for subtasks that were not started because too many others failed.
    A job with steps has one outcome per subtask and ``step``; ``parent`` is then the subtask of the step before.
    ``job`` is the id of the other job, if the subtask is a run of another job.
    """

    key: str
    payload: dict[str, Any]
    parent: str | None
    depth: int
    status: Status
    attempts: int
    started: datetime | None
    ended: datetime | None
    result: Any = None
    error: Error | None = None
    step: str = "run"
    job: str | None = None
