"""The payload and the key of a subtask, checked before they are sent to the API server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.json_values import plain
from airflow_mcp_provider.runtime.size_limits import (
    BATCH_BYTES,
    BATCH_CHILDREN,
    MAX_JOB_CHARS,
    MAX_KEY_CHARS,
    MAX_PAYLOAD_BYTES,
)
from airflow_mcp_provider.runtime.subtask_key import key_of_run, own_key

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of NUL in JSON; a backslash that is escaped itself does not start an escape."""


@dataclass(frozen=True)
class Child:
    """A subtask to enqueue: ``key`` is its identity within the run, ``payload`` a JSON object.

    With ``job`` the subtask is a run of that job, and ``payload`` is its conf.
    """

    key: str
    payload: dict[str, Any]
    job: str | None = None


def child_of(payload: object, key: str | None, key_field: str | None, job: str | None = None) -> Child:
    """Check one payload; its key is ``key``, else the default key (``runtime.subtask_key``).

    Raises InvalidPayload with the invalid and the expected value.
    """
    if not isinstance(payload, Mapping):
        raise InvalidPayload(
            f"invalid payload {redaction.shown(payload)} of type {type(payload).__name__}; "
            "expected a JSON object (a dict)"
        )
    text = json_text(payload, "payload", MAX_PAYLOAD_BYTES)
    if job is not None and (not isinstance(job, str) or not 0 < len(job) <= MAX_JOB_CHARS):
        raise InvalidPayload(
            f"invalid job {redaction.shown(job)}; expected the id of a job, a string of 1 to {MAX_JOB_CHARS} characters"
        )
    child: dict[str, Any] = json.loads(text)
    if key is None:
        key = own_key(child, text, key_field) if job is None else key_of_run(job, text)
    return Child(checked_key(key), child, job)


def checked_key(key: object) -> str:
    """Return ``key``; raises InvalidPayload when it cannot be stored in the database."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_CHARS:
        raise InvalidPayload(
            f"invalid subtask key {redaction.shown(key)}; expected a string of 1 to {MAX_KEY_CHARS} characters"
        )
    json_text(key, "key", 4 * MAX_KEY_CHARS + 2)
    return key


def json_text(value: object, what: str, limit: int) -> str:
    """Return canonical JSON of at most ``limit`` bytes; raises InvalidPayload, in which ``what`` names the value."""
    value = plain(value, what)
    try:
        text = json.dumps(value, allow_nan=False, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(f"the {what} is not plain JSON ({error}): {redaction.shown(value, 120)}") from None
    if _NUL.search(text):
        raise InvalidPayload(f"the {what} contains a NUL character, which Airflow's database cannot store")
    if size > limit:
        raise InvalidPayload(
            f"the {what} has {size} bytes; expected at most {limit}: put the data in an object store and pass its URL"
        )
    return text


def batches(children: Sequence[Child]) -> list[list[Child]]:
    """Split into requests that the server answers in time: BATCH_CHILDREN subtasks and about BATCH_BYTES each."""
    result: list[list[Child]] = []
    size = 0
    for child in children:
        weight = len(json.dumps(child.payload)) + len(json.dumps(child.key))
        if not result or len(result[-1]) >= BATCH_CHILDREN or size + weight > BATCH_BYTES:
            result.append([])
            size = 0
        result[-1].append(child)
        size += weight
    return result


def payload_of(found: object) -> object:
    """Return an item of plan as a payload: a scalar ``x`` becomes ``{"item": x}``, other values are unchanged."""
    return {"item": found} if isinstance(found, str | int | float) else found
