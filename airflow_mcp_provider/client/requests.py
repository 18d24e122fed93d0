"""The bodies of requests to the HTTP API ``/job-control/v1``. ``models`` has what it responds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MOST_PRIORITY = 1000
Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(max_length=500)]


class Model(BaseModel):
    """A frozen model."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Request(Model):
    """The body of a request: a field that does not exist is an error."""

    # Built at once: FastAPI puts a name on it that pydantic warns of when it is built later.
    model_config = ConfigDict(extra="forbid", defer_build=False)


class Submit(Request):
    """Submit a run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"conf": {"path": "/usr/share"}},
                {"key": "order-4711", "priority": 5},
                {"not_before": "2026-12-01T08:00:00Z", "note": "nightly"},
            ]
        }
    )

    conf: dict[str, Any] = Field(default_factory=dict, description="Values of the job's params.")
    priority: int | None = Field(
        default=None, ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="A higher priority starts first."
    )
    key: Key | None = Field(
        default=None,
        description="Makes the request idempotent: the same key and body return the same run. Also as Idempotency-Key.",
    )
    note: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None, description="A note of the run, shown in Airflow's UI."
    )
    not_before: AwareDatetime | None = Field(
        default=None, description="The earliest start of the run. It never gets a better place by a time in the past."
    )


class Cancel(Request):
    """Cancel a run."""

    reason: Reason = Field(default="", description="Shown with the run.")
    grace: float | None = Field(
        default=None, ge=0, le=3600, description="Seconds in which running work may clean up before it is killed."
    )


class Retry(Request):
    """Run subtasks of an ended run again; everything else is kept."""

    keys: list[str] | None = Field(
        default=None, max_length=1000, description="Keys of subtasks. Default: all that failed or were skipped."
    )


class SetPriority(Request):
    """Change the priority of a queued run."""

    priority: int = Field(ge=-MOST_PRIORITY, le=MOST_PRIORITY)


class SetParallelism(Request):
    """Change how many subtasks of an active run may run at the same time; null: the value of the spec."""

    parallelism: int | None = Field(ge=1, le=10_000)
