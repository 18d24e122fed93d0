"""What the HTTP API ``/job-control/v1`` and its clients exchange: the same models on both sides.

Runs in the API server and in any program that uses the client; imports nothing of Airflow. Times are RFC 3339 in UTC,
durations are seconds. A client ignores fields that it does not know, so that a newer server may send more.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from airflow_mcp_provider.client.requests import (
    MOST_PRIORITY,
    Cancel,
    Key,
    Model,
    Reason,
    Request,
    Retry,
    SetParallelism,
    SetPriority,
    Submit,
)

__all__ = [
    "MOST_PRIORITY",
    "PREFIX",
    "Accepted",
    "Attempt",
    "Cancel",
    "Cancelled",
    "Event",
    "Holder",
    "Job",
    "JobSummary",
    "Jobs",
    "Key",
    "Links",
    "Model",
    "Problem",
    "Progress",
    "Reason",
    "Request",
    "Retried",
    "Retry",
    "Run",
    "RunState",
    "RunSummary",
    "Runs",
    "SetParallelism",
    "SetPriority",
    "Submit",
    "Subtask",
    "SubtaskState",
    "Subtasks",
    "WatchState",
    "Why",
]
PREFIX = "/job-control/v1"


class RunState(StrEnum):
    """The state of a run, the same for every kind of job. A run in one of the last five is done."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    PARTIAL = "partial"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self not in {RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING}


class SubtaskState(StrEnum):
    """The state of a subtask in a step. ``waiting``: it has not started, or waits for its next attempt."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Why(Model):
    """Why something is as it is: a stable word for programs, a text for people."""

    code: str = Field(examples=["holder_running"])
    text: str = Field(examples=["manual__2026-01-01T00:00:00+00:00 is running"])


class Progress(Model):
    """The subtasks of a run. ``known`` grows while the run works."""

    known: int = Field(description="Subtasks so far.")
    done: int = Field(description="Subtasks that succeeded in their last step.")
    failed: int
    skipped: int
    running: int
    fraction: float | None = Field(description="The ended part of the known subtasks, 0 to 1; null before plan ended.")
    rate: float | None = Field(description="Subtasks that ended per second, since the first one started.")
    eta: datetime | None = Field(description="When the known subtasks will have ended at this rate.")
    message: str | None = Field(description="The latest progress message of a running subtask.")


class Links(Model):
    """Addresses, relative to the API server."""

    self: str
    subtasks: str
    events: str
    logs: str
    job: str
    ui: str = Field(description="The run in Airflow's UI.")


class Run(Model):
    """A run of a job."""

    job: str
    run: str
    state: RunState
    done: bool
    position: int | None = Field(description="The place in the queue of the job, from 1; null if it does not wait.")
    reason: Why | None = Field(description="Why the run waits, or how it ended.")
    priority: int
    submitter: str | None
    conf: dict[str, Any]
    submitted: datetime
    not_before: datetime | None
    started: datetime | None
    ended: datetime | None
    progress: Progress | None = Field(description="Null for a run that has not started.")
    result: Any = Field(description="What the report returned; null before.")
    error: Why | None
    note: str | None
    links: Links


class Accepted(Model):
    """The answer to a submit. ``eta``: the expected start, from the duration of the last runs."""

    run: str
    state: RunState
    position: int | None
    eta: datetime | None
    status_url: str
    document: Run | None = Field(default=None, description="The run, if it ended within ``Prefer: wait=30``.")


class RunSummary(Model):
    """A run in a list."""

    job: str
    run: str
    state: RunState
    done: bool
    position: int | None
    submitter: str | None
    submitted: datetime
    started: datetime | None
    ended: datetime | None


class Runs(Model):
    """A page of runs; ``next`` is the cursor of the next one."""

    runs: list[RunSummary]
    next: str | None


class Attempt(Model):
    """One attempt of a subtask; ``error`` is why it failed, or how its runner died."""

    number: int
    started: datetime | None
    ended: datetime | None
    error: Why | None


class Subtask(Model):
    """A subtask in a step."""

    key: str
    step: str
    state: SubtaskState
    parent: str | None = Field(description="The key of the subtask that enqueued it; null for one of plan.")
    depth: int
    attempt: int = Field(description="The number of the latest attempt; 0 before the first.")
    attempts: list[Attempt] = Field(description="Past attempts, for a single subtask only.")
    started: datetime | None
    ended: datetime | None
    fraction: float | None
    message: str | None
    payload: dict[str, Any]
    result: Any
    error: Why | None
    task: str = Field(description="The task of the DAG.")
    map_index: int
    log: str


class Subtasks(Model):
    """A page of subtasks."""

    subtasks: list[Subtask]
    next: str | None


class Holder(Model):
    """The active run of a job."""

    run: str
    since: datetime | None
    submitter: str | None


class WatchState(Model):
    """What the watch of a job (``schedule.watch``) found last. It is stored when it changes, else every few minutes."""

    last_check: datetime | None = Field(description="When the last check began; null before the first one.")
    last_success: datetime | None
    pending: bool = Field(description="Whether the last check found work.")
    error: str | None = Field(description="The error of the last check.")
    failures: int = Field(description="The number of checks that failed since the last success.")
    problem: str | None = Field(description="Why there are no checks, for example because no triggerer is running.")


class JobSummary(Model):
    """A job in a list."""

    job: str
    description: str | None
    tags: list[str]
    paused: bool
    queued: int
    holder: Holder | None
    next_run: datetime | None = Field(description="The next date of its schedule, without jitter.")
    error: str | None = Field(description="The error of its spec.")
    watch: WatchState | None = Field(default=None, description="Of a job with schedule.watch.")
    last: list[RunSummary] = Field(description="The latest runs, the newest first.")


class Job(JobSummary):
    """A job. ``spec`` has no secrets; ``params`` is the JSON Schema of a run's conf."""

    params: dict[str, Any]
    spec: dict[str, Any]
    schedule: str | None = Field(description="The schedule in short; null for a job without one.")
    schedule_description: str | None = Field(default=None, description="The schedule in words, with its time zone.")
    queue: list[RunSummary] = Field(description="The waiting runs, the next one first; at most 100.")


class Jobs(Model):
    """A page of jobs."""

    jobs: list[JobSummary]
    next: str | None


class Cancelled(Model):
    """What a cancel reached. Numbers of task instances and runs."""

    run: str
    state: RunState
    running: int = Field(description="Tasks that were working and are asked to end.")
    waiting: int = Field(description="Tasks that will not start.")
    children: int = Field(description="Runs of other jobs that were made for subtasks of this one.")


class Retried(Model):
    """What a retry started."""

    run: str
    state: RunState
    subtasks: int


class Problem(Model):
    """An error, as RFC 9457 has it (application/problem+json)."""

    type: str = Field(examples=["urn:airflow-mcp:max_pending"], description="Stable: programs compare it.")
    title: str
    status: int
    detail: str
    limit: str | None = Field(default=None, description="The rule of the queue that refused the run.")
    pending: int | None = Field(default=None, description="The number of runs that the rule counted.")
    run: str | None = Field(default=None, description="The run that does the same work already.")


Event = Literal["progress", "done"]
