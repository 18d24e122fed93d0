"""What a subtask is made of: its payload, its key, and the JSON of both, checked before they travel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.json_values import plain
from airflow_mcp_provider.runtime.keys import key_of_run, own_key
from airflow_mcp_provider.runtime.size_limits import BATCH_BYTES, BATCH_CHILDREN, MAX_KEY_CHARS, MAX_PAYLOAD_BYTES

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON; a backslash that is escaped itself begins no escape."""


@dataclass(frozen=True)
class Child:
    """A subtask to be: ``key`` is its identity within the run, ``payload`` a JSON object.

    With ``job`` it is a run of that job, and ``payload`` its conf.
    """

    key: str
    payload: dict[str, Any]
    job: str | None = None


def child_of(payload: object, key: str | None, key_field: str | None, job: str | None = None) -> Child:
    """Check one payload; its key is ``key``, else the one that it has by itself (``runtime.keys``).

    Raises InvalidPayload with what was given and what is allowed.
    """
    if not isinstance(payload, Mapping):
        raise InvalidPayload(
            f"a payload is a JSON object (a dict), not {type(payload).__name__}: {redaction.shown(payload)}"
        )
    text = json_text(payload, "payload", MAX_PAYLOAD_BYTES)
    if job is not None and (not isinstance(job, str) or not job):
        raise InvalidPayload(f"job is the id of a job, a text, not {redaction.shown(job)}")
    child: dict[str, Any] = json.loads(text)
    if key is None:
        key = own_key(child, text, key_field) if job is None else key_of_run(job, text)
    return Child(checked_key(key), child, job)


def checked_key(key: object) -> str:
    """Return ``key`` when it can stand in a database and a page; raises InvalidPayload."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_CHARS:
        raise InvalidPayload(
            f"a subtask's key is a text of 1 to {MAX_KEY_CHARS} characters, not {redaction.shown(key)}"
        )
    json_text(key, "key", 4 * MAX_KEY_CHARS + 2)
    return key


def json_text(value: object, what: str, limit: int) -> str:
    """Return canonical JSON of at most ``limit`` bytes; raises InvalidPayload naming ``what``."""
    value = plain(value, what)
    try:
        text = json.dumps(value, allow_nan=False, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(f"the {what} is not plain JSON ({error}); given {redaction.shown(value, 120)}") from None
    if _NUL.search(text):
        raise InvalidPayload(f"the {what} has a NUL character, which Airflow's database cannot hold")
    if size > limit:
        raise InvalidPayload(
            f"the {what} has {size} bytes, {limit} are allowed: put the data in a store and pass its address"
        )
    return text


def batches(children: Sequence[Child]) -> list[list[Child]]:
    """Cut into calls that the server answers in time: BATCH_CHILDREN of them and about BATCH_BYTES each."""
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
    """What plan found as a payload: an object is one, a plain ``x`` becomes ``{"item": x}``."""
    return {"item": found} if isinstance(found, str | int | float) else found
