"""What the HTTP API ``/job-control/v1`` responds about subtasks; ``models`` has all the rest, and these, too."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from airflow_mcp_provider.client.requests import Model


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
    children: int | None = Field(
        default=None,
        description=(
            "The number of subtasks that the filter ``parent`` gives for its key: those that it enqueued, and itself in"
            " later steps. Null in a list without this filter."
        ),
    )
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
    log: str = Field(description="The address of its log in this API.")
    ui: str | None = Field(
        default=None, description="Its task instance in Airflow's UI, with the log; null before there is one."
    )


class Subtasks(Model):
    """A page of subtasks."""

    subtasks: list[Subtask]
    next: str | None
