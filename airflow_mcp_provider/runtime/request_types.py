"""Requests of runners: fields, types and bounds of each.

A runner writes ``stored(request)`` under the request's key (see ``store_keys``). The server validates it where it
enters, by ``read_request``. The server knows who asks, and so the parent and depth of new subtasks.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction, size_limits, store_keys
from airflow_mcp_provider.runtime.backoff import Tries
from airflow_mcp_provider.runtime.messages import AttemptOutcome, Count, Message, Payload, Positive, stored
from airflow_mcp_provider.runtime.payload import json_text

Key = Annotated[str, Meta(min_length=1, max_length=size_limits.MAX_KEY_CHARS)]
JobId = Annotated[str, Meta(min_length=1, max_length=size_limits.MAX_JOB_CHARS)]
TaskId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]+\Z", max_length=240)]
Trace = Annotated[str, Meta(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z", max_length=55)]
"""A W3C traceparent, https://www.w3.org/TR/trace-context/#traceparent-header."""
Note = Annotated[str, Meta(max_length=100_000)]


class Request(Message, frozen=True, kw_only=True):
    """What a runner asks. ``call`` is unique: the runner's random name, a dot and a number that grows."""

    call: Annotated[str, Meta(max_length=200)]


class Growing(Request, frozen=True, kw_only=True):
    """What may add subtasks; ``trace`` is the span of the runner, where Airflow's tracing is on."""

    trace: Trace | None = None


class ChildEntry(Struct, frozen=True, array_like=True):
    """A subtask to enqueue, as the list ``[key, payload]`` or ``[key, payload, job]``."""

    key: Key
    payload: Payload
    job: JobId | None = None


class StepLimits(Message, frozen=True):
    """A step of the job: ``limit`` of its subtasks, ``depth``: how many parents these may have.

    ``wait``: it begins after the steps before it; a task instance does ``batch`` subtasks.
    """

    name: TaskId
    limit: Count
    depth: Count
    wait: bool = False
    batch: Positive = 1


class Begin(Message, frozen=True):
    """Plan starts: the limits of the run. ``tolerate`` as in the spec, for example ``5%``."""

    tolerate: Annotated[str, Meta(max_length=32)]
    steps: Annotated[list[StepLimits], Meta(min_length=1, max_length=1_000)]


class BatchOutcome(AttemptOutcome, frozen=True, kw_only=True):
    """How an attempt of one subtask of a batch ended; ``place`` is the subtask's index in its step."""

    place: Count


class Attempt(Message, frozen=True):
    """An attempt of one subtask of a batch."""

    place: Count
    attempt: Count


class Enqueue(Growing, frozen=True, kw_only=True):
    """Add subtasks. ``begin`` is in the first request of plan: subtasks of an earlier plan are then removed.

    Parent and depth of the new subtasks follow from the subtask that asks.
    """

    children: Annotated[list[ChildEntry], Meta(max_length=size_limits.BATCH_CHILDREN)]
    begin: Begin | None = None


class Done(Growing, frozen=True, kw_only=True):
    """The subtask succeeded in its step and continues in the next one."""

    outcome: AttemptOutcome


class Next(Growing, frozen=True, kw_only=True):
    """The runner of a batch reports how the subtask in hand ended (None at its start), and asks which is next.

    ``fresh``: only one that was not tried yet.
    """

    tries: Tries
    ended: BatchOutcome | None = None
    fresh: bool = False


class GoOn(Request, frozen=True, kw_only=True):
    """The runner of a batch reports that the subtask in hand succeeded, and begins the one that was announced."""

    ended: BatchOutcome
    begin: Attempt


class CallJob(Request, frozen=True, kw_only=True):
    """A subtask asks for the state of its run of ``job``, which is created when there is none.

    ``conf`` is the subtask's payload, ``results`` the results of the steps before, by step.
    """

    job: JobId
    conf: Payload
    results: Payload = msgspec.field(default_factory=dict)


class Confirm(Request, frozen=True, kw_only=True):
    """The report asks whether every subtask has ended."""


class RunNote(Message, frozen=True):
    """The report shows this note beside the run. An empty one removes what an earlier try has shown."""

    note: Note


class Progress(Message, frozen=True, forbid_unknown_fields=True):
    """How far a subtask is, for people: ``fraction`` from 0 to 1."""

    fraction: Annotated[float, Meta(ge=0, le=1)]
    message: Annotated[str, Meta(max_length=1_000)]  # runners send 500 characters, in which secrets may grow to ***


OutOfMemory = Annotated[list[Count], Meta(max_length=1_000)]
"""The attempts whose memory ran out."""

ASKED: dict[str, type[Request]] = {
    store_keys.ENQUEUE: Enqueue,
    store_keys.DONE: Done,
    store_keys.NEXT: Next,
    store_keys.CALL: CallJob,
    store_keys.CONFIRM: Confirm,
}
"""Requests that are answered in the row ``store_keys.ANSWER``, by the key of each."""
TYPES: dict[str, Any] = {
    **ASKED,
    store_keys.GO_ON: GoOn,
    store_keys.VERDICT: RunNote,
    store_keys.OUTCOME: AttemptOutcome,
    store_keys.PROGRESS: Progress,
    store_keys.OOMS: OutOfMemory,
}
"""Everything that a runner may write, by the key of each."""
SAME_VERSION = (
    "runners and API server need the same version of airflow-mcp-provider, and no [workers] state_store_backend"
)


def read_request(key: str, value: object) -> Any:  # noqa: ANN401 - the type that TYPES has for the key
    """Validate what a runner wrote under ``key``, a JSON value; raises InvalidPayload with the name of the field."""
    try:
        found = msgspec.convert(value, TYPES[key])
    except (ValueError, RecursionError) as error:
        hint = "" if key == store_keys.PROGRESS else f"; {SAME_VERSION}"
        raise InvalidPayload(f"invalid {key}: {redaction.text(str(error))[:300]}{hint}") from None
    _check_size(key, _outcome_in(found))
    return found


def _check_size(key: str, outcome: AttemptOutcome | None) -> None:
    if outcome is None:
        return
    json_text(outcome.value, f"result in {key}", size_limits.MAX_OUTCOME_BYTES)  # what a reader could not parse
    size = len(json.dumps(stored(outcome)))
    if size > size_limits.MAX_OUTCOME_BYTES:
        raise InvalidPayload(
            f"invalid {key}: outcome of {size} bytes; expected at most {size_limits.MAX_OUTCOME_BYTES} bytes"
        )


def _outcome_in(request: object) -> AttemptOutcome | None:
    """Return the outcome that a request has, if it has one."""
    if isinstance(request, AttemptOutcome):
        return request
    if isinstance(request, Done):
        return request.outcome
    return request.ended if isinstance(request, Next | GoOn) else None
