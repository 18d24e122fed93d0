"""The arguments of the tools, with their bounds. A message has what is wrong, what was given, and what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from airflow_mcp_provider.agents.shorten import cut
from airflow_mcp_provider.client.requests import Key, Reason
from airflow_mcp_provider.errors import InvalidRequest

MOST_WAIT_S = 50
"""Clients give up a call after 60 s by default."""
MOST_FAILURES = 10
MOST_CHARS = 250
"""Of a job's id, a run's id, and a cursor, as in the HTTP API."""
GIVEN_BYTES = 100
PROBLEMS = 5
M = TypeVar("M", bound="Arguments")

Job = Annotated[
    str,
    Field(min_length=1, max_length=MOST_CHARS, pattern=r"^[^/]*$", description="The id of a job, as in list_jobs."),
]
Run = Annotated[
    str,
    Field(
        max_length=2 * MOST_CHARS + 1,
        pattern=r"^[^/]+/[^/]+$",
        description="JOB/RUN: the id of the job and that of the run, as submit_job and describe_job return it.",
    ),
]
Cursor = Annotated[str | None, Field(max_length=MOST_CHARS, description="The field next of an earlier result.")]


class Arguments(BaseModel):
    """The arguments of a tool: one that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ListJobs(Arguments):
    """Arguments of ``list_jobs``."""

    search: Annotated[str | None, Field(max_length=200, description="A part of the id or of the description.")] = None
    tag: Annotated[str | None, Field(max_length=100, description="Only jobs with this tag.")] = None
    cursor: Cursor = None


class DescribeJob(Arguments):
    """Arguments of ``describe_job``."""

    job: Job
    param: Annotated[
        str | None, Field(max_length=MOST_CHARS, description="Only this param, with all that its JSON Schema has.")
    ] = None


class SubmitOwn(Arguments):
    """Arguments of the tool of one job."""

    params: Annotated[
        dict[str, Any], Field(default_factory=dict, description="Values of the params that describe_job returns.")
    ]
    key: Annotated[
        Key,
        Field(
            description="A text that names this piece of work, for example report-2026-11-27. The same key with the "
            "same params returns the same run, so repeat the key when you repeat a call."
        ),
    ]


class SubmitJob(SubmitOwn):
    """Arguments of ``submit_job``."""

    job: Job


class JobStatus(Arguments):
    """Arguments of ``job_status``."""

    run: Run
    wait: Annotated[
        int, Field(ge=0, le=MOST_WAIT_S, description="Seconds to wait for the end of the run before the result.")
    ] = 0


class JobResult(Arguments):
    """Arguments of ``job_result``."""

    run: Run
    offset: Annotated[
        int, Field(ge=0, le=10_000_000, description="The first character of a long result, as left_out names it.")
    ] = 0


class JobFailures(Arguments):
    """Arguments of ``job_failures``."""

    run: Run
    limit: Annotated[int, Field(ge=1, le=MOST_FAILURES, description="The largest number of failed subtasks.")] = 5
    cursor: Cursor = None


class CancelRun(Arguments):
    """Arguments of ``cancel_run``."""

    run: Run
    reason: Annotated[Reason, Field(min_length=1, description="Why: people see it with the run.")]


class RetryFailed(Arguments):
    """Arguments of ``retry_failed``."""

    run: Run


def checked(kind: type[M], tool: str, given: Mapping[str, Any] | None) -> M:
    """Return the arguments of a tool; raises InvalidRequest for all that is wrong with them."""
    step = f"change the arguments of {tool}: {', '.join(kind.model_fields)}"
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        text = f"arguments: {type(error).__name__}; expected valid text, and lists and objects that are not nested deep"
        raise InvalidRequest(text, url=tool, next_step=step) from None
    try:
        return kind.model_validate(dict(given or {}))
    except ValidationError as error:
        found = [_sentence(one) for one in error.errors(include_url=False)[:PROBLEMS]]
        raise InvalidRequest("; ".join(found), url=tool, next_step=step) from None


def _sentence(error: ErrorDetails) -> str:
    name = cut(".".join(map(str, error["loc"])), GIVEN_BYTES) or "arguments"
    if error["type"] == "missing":
        return f"{name}: missing; expected a value"
    if error["type"] == "extra_forbidden":
        return f"{name}: unknown argument"
    if error["type"] == "string_pattern_mismatch":
        expected = "the id of a job" if name == "job" else "JOB/RUN, for example inventory/key__0b7e"
        return f"{name}: invalid value {_given(error['input'])}; expected {expected}"
    return f"{name}: invalid value {_given(error['input'])}; expected: {_expected(error['msg'])}"


def _given(value: object) -> str:
    return cut(json.dumps(value, ensure_ascii=False, default=str), GIVEN_BYTES)


def _expected(message: str) -> str:
    """Return what pydantic expects: its sentences begin with what should be."""
    for beginning in ("Input should be ", "Input should have ", "String should have "):
        message = message.removeprefix(beginning)
    return message
