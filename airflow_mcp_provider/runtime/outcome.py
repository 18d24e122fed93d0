"""What a subtask ended with; the values that travel to a job's report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Status = Literal["success", "failed", "skipped"]


@dataclass(frozen=True)
class Error:
    """Why a subtask failed: the exception's class, its message, and the last lines of its traceback."""

    type: str
    message: str
    trace: str = ""


@dataclass(frozen=True)
class Outcome:
    """One subtask of the run, ended.

    ``parent`` is the key of the subtask that enqueued it (None: plan did), ``depth`` the number of its parents,
    ``attempts`` how often it was started (0: never), ``result`` what the work returned (JSON), ``error`` why it
    failed. ``skipped`` are those that were not started after too many others had failed. Of a job with steps there
    is an outcome for each ``step`` that a subtask has reached; ``parent`` is then the subtask of the step before.
    ``job`` is the other job that it was enqueued as a run of.
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
