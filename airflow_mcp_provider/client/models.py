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
from airflow_mcp_provider.client.subtask_models import Attempt, Subtask, Subtasks, SubtaskState, Why

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
    "StepProgress",
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


class StepProgress(Model):
    """The subtasks of a step. Each is counted in one of the states, which are those of ``SubtaskState``."""

    step: str
    known: int = Field(description="Subtasks that have reached the step so far.")
    waiting: int
    running: int
    succeeded: int
    failed: int
    skipped: int


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
    steps: list[StepProgress] = Field(default=[], description="The counts of each step, in the order of the steps.")


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
    parallelism: int | None = Field(
        default=None, description="How many of its tasks may run at the same time; null for a run that is not running."
    )
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
    """A run in a list. ``reason`` has also the error of a failed run, in short."""

    job: str
    run: str
    state: RunState
    done: bool
    position: int | None
    reason: Why | None = Field(default=None, description="Why the run waits, or how it ended.")
    priority: int = 0
    submitter: str | None
    submitted: datetime
    started: datetime | None
    ended: datetime | None
    failed: int | None = Field(
        default=None, description="The failed subtasks of a run that failed or completed in part; null where unknown."
    )


class Runs(Model):
    """A page of runs; ``next`` is the cursor of the next one."""

    runs: list[RunSummary]
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
    last: list[RunSummary] = Field(description="The latest runs, the newest first; at most 10.")


class Job(JobSummary):
    """A job. ``spec`` has no secrets; ``params`` is the JSON Schema of a run's conf."""

    params: dict[str, Any]
    spec: dict[str, Any]
    spec_text: str | None = Field(default=None, description="The same as YAML.")
    schedule: str | None = Field(description="The schedule in short; null for a job without one.")
    schedule_description: str | None = Field(default=None, description="The schedule in words, with its time zone.")
    upcoming: list[datetime] = Field(
        default=[], description="The next dates of its schedule, without jitter; at most 5."
    )
    queue: list[RunSummary] = Field(description="The waiting runs, the next one first; at most 100.")


class Jobs(Model):
    """A page of jobs."""

    jobs: list[JobSummary]
    next: str | None


class Tags(Model):
    """The tags of all jobs that the user may see."""

    tags: list[str]


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
