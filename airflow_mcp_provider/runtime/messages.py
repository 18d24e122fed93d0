"""Values that travel between runner, API server and state store: a subtask's item, and how its attempts end.

Both sides use these types; requests and answers are made of them. Fields that a type does not have are ignored: another
version may send more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from airflow_mcp_provider.runtime.outcome import Error, Outcome

Count = Annotated[int, Meta(ge=0, lt=2**31)]
Positive = Annotated[int, Meta(ge=1, lt=2**31)]
Payload = dict[str, Any]
"""JSON; ``payload.json_text`` checks its size."""


class Message(Struct, frozen=True, omit_defaults=True):
    """Base of most types: immutable; a field with its default value is not written."""


class AttemptOutcome(Message, frozen=True):
    """How an attempt ended. ``result`` is any JSON, unset after a failure; ``final``: there is no further attempt."""

    attempt: Count
    result: Any | UnsetType = UNSET
    error: Error | None = None
    final: bool = False

    @property
    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """The result; None where there is none."""
        return None if self.result is UNSET else self.result


class Item(Message, frozen=True):
    """A subtask, as the row ``store_keys.ITEM`` has it.

    ``parent`` is the key of the subtask that enqueued it (None: plan), ``depth`` the number of its parents, ``job`` the
    job that it is a run of, ``results`` the results of the steps before, by step. ``trace`` is the span that enqueued
    it, a W3C traceparent, where Airflow's tracing is on.
    """

    key: str
    payload: Payload
    parent: str | None
    depth: int
    job: str | None = None
    results: Payload = msgspec.field(default_factory=dict)
    trace: str | None = None

    @property
    def subtask(self) -> dict[str, Any]:
        """Return what the work is called with: the payload and the results of the steps before."""
        return {**self.payload, **self.results}

    def ended(self, **how: Any) -> Outcome:
        """Return the subtask's outcome for the report; ``how`` are the fields of Outcome that an item does not have."""
        return Outcome(self.key, self.payload, self.parent, self.depth, job=self.job, **how)


class StartingItem(Item, frozen=True):
    """A subtask as its runner reads it when it starts, and whether it may start.

    ``done``: an earlier attempt succeeded. ``stopped``: why the run starts no further subtask. ``waits``: why it has to
    start later.
    """

    done: bool = False
    stopped: str | None = None
    waits: str | None = None


class StoredOutcome(AttemptOutcome, frozen=True):
    """How the latest attempt of a subtask ended, as the row ``store_keys.OUTCOME`` has it; times are ISO 8601.

    The times are there for subtasks of a batch only; of others the task instance has them.
    """

    started: str | None = None
    ended: str | None = None


class PodStatus(Message, frozen=True):
    """Why a pod does not start, or is gone, as the row ``store_keys.POD`` has it; ``name`` is the pod's."""

    attempt: int
    name: str
    reason: str
    message: str


def stored(message: Struct) -> Any:  # noqa: ANN401 - JSON
    """Return a message as the JSON value that the state store keeps; times are ISO 8601."""
    return msgspec.to_builtins(message, enc_hook=_text)


def _text(value: object) -> str:
    """Pendulum's times are a subclass of ``datetime``, which msgspec does not write by itself."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise NotImplementedError(f"unsupported type {type(value).__name__}")
