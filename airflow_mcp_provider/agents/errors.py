"""Failed requests as an agent sees them: what was wrong, and what it can do."""

from __future__ import annotations

from typing import Any

from airflow_mcp_provider.agents.shorten import cut, without_trace
from airflow_mcp_provider.errors import (
    AccessDenied,
    InvalidRequest,
    NotFound,
    Refused,
    RequestFailed,
    ServerUnavailable,
)

DETAIL_BYTES, STEP_BYTES = 2_000, 500
UNAUTHORIZED = 401
KINDS: tuple[tuple[type[RequestFailed], str, str], ...] = (
    (Refused, "refused", ""),
    (InvalidRequest, "invalid_request", ""),
    (AccessDenied, "access_denied", "ask a person for the permission; other tools may still work"),
    (NotFound, "not_found", "look for the name with list_jobs or describe_job"),
    (ServerUnavailable, "unavailable", "call the tool again later; submit_job with the same key"),
)
"""For each error its name and the next step; that of the error itself where it is empty."""


def shown(error: RequestFailed) -> dict[str, Any]:
    """Return an error as the result of a tool."""
    kind, step = next(((name, step) for one, name, step in KINDS if isinstance(error, one)), ("failed", ""))
    more: dict[str, Any] = {}
    if isinstance(error, Refused):
        more = {"limit": error.limit, "pending": error.pending, "run": error.run}
    if isinstance(error, Refused | ServerUnavailable):
        more["retry_after"] = error.retry_after
    detail = cut(without_trace(error.detail), DETAIL_BYTES)
    step = cut(_step(error) or step or error.next_step, STEP_BYTES)
    known = {name: value for name, value in more.items() if value is not None}
    return {"error": {"kind": kind, "detail": detail, "next_step": step, **known}}


def _step(error: RequestFailed) -> str:
    return "connect again with a valid token" if error.status == UNAUTHORIZED else ""
