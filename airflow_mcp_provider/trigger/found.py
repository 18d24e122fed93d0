"""What a check found: no work, pending work with the conf of the run to start, or an error. Pure functions."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.function import exit_message
from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.trigger.messages import MOST_BYTES, Reply, Request

MOST_CHARS = 2_000
"""Of an error that is shown."""
EXPECTED = "a mapping (the conf of the run), true, or nothing when there is no work"
_LAST_CHARS = 500
_NOTHING: tuple[object, ...] = (None, False, "", [], {}, 0)


@dataclass(frozen=True)
class Found:
    """``pending``: there is work, and ``conf`` is what the check returned for it. ``error``: the check failed."""

    pending: bool = False
    conf: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def read(request: Request, reply: Reply) -> Found:
    """Return what a check found."""
    if error := _limits(request, reply):
        return failed(error)
    return _of_function(reply) if request.python else _of_command(reply)


def failed(error: str) -> Found:
    """Return the result of a check that failed; secrets that are known in this process are masked."""
    return Found(error=redaction.text(error)[:MOST_CHARS])


def _limits(request: Request, reply: Reply) -> str | None:
    if reply.ended == "timeout":
        limit = human(timedelta(seconds=request.timeout))
        return f"the check did not end within timeout {limit} and was killed{_printed(reply)}"
    if reply.ended == "output":
        return f"the check printed or returned more than {MOST_BYTES} bytes and was killed{_printed(reply)}"
    return None


def _of_function(reply: Reply) -> Found:
    if reply.code != 0 or not reply.result:
        return failed(exit_message(reply.code) + _printed(reply))
    answer: dict[str, Any] = json.loads(reply.result)
    return failed(answer["error"]) if "error" in answer else of_value(answer["result"])


def _of_command(reply: Reply) -> Found:
    if reply.code != 0:
        how = f"exit code {reply.code}" if reply.code > 0 else exit_message(reply.code)
        return failed(f"the command failed: {how}{_printed(reply)}")
    text = reply.result.strip()
    try:
        return of_value(json.loads(text) if text else None)
    except (ValueError, RecursionError):
        return failed(f"invalid output {text[:80]!r} of the command; expected as JSON {EXPECTED}")


def of_value(value: object) -> Found:
    """Return what the value of a check means."""
    if value is True:
        return Found(pending=True)
    if any(value is one or (type(value) is type(one) and value == one) for one in _NOTHING):
        return Found()
    if not isinstance(value, dict):
        return failed(f"invalid result {reprlib.repr(value)} of the check; expected {EXPECTED}")
    return Found(pending=True, conf=value)


def _printed(reply: Reply) -> str:
    """Return the end of what the check printed, to be appended to an error."""
    text = reply.log.strip()
    return f": …{text[-_LAST_CHARS:]}" if len(text) > _LAST_CHARS else f": {text}" if text else ""
