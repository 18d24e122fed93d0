"""The payloads that a plan found, as subtasks.

Used by the task plan and by ``local_run``. Imports nothing of Airflow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import enqueue_many, redaction, size_limits
from airflow_mcp_provider.runtime.function import await_if_needed
from airflow_mcp_provider.runtime.ipc_server import Channel
from airflow_mcp_provider.runtime.payload import batches, child_of, payload_of


def enqueue_listed(channel: Channel, found: Iterable[object], key_field: str | None) -> None:
    """Enqueue, in batches, payloads that are a list."""
    children = [child_of(payload_of(one), None, key_field) for one in found]
    for batch in batches(children):
        channel.enqueue(batch)


def enqueue_found(found: object) -> int:
    """In the work's process: enqueue in batches what the function returned or yields; one batch is in memory."""
    found = await_if_needed(found)
    if found is None:
        return 0
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        raise InvalidPayload(
            f"invalid result of plan, {type(found).__name__} {redaction.shown(found)}; expected a list or generator of "
            "payloads"
        )
    payloads: Iterator[Any] = map(payload_of, found)
    new = 0
    while batch := list(itertools.islice(payloads, size_limits.BATCH_CHILDREN)):
        new += enqueue_many(batch)
    return new
