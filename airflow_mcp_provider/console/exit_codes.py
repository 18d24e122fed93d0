"""The exit codes of ``mcp-jobs``: how a run ended, or why a request failed. docs/command-line.md lists them."""

from __future__ import annotations

from enum import IntEnum

from airflow_mcp_provider import errors


class Exit(IntEnum):
    """``DONE``: the command did what was asked; with ``--wait`` or ``--follow``, the run has completed."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    REFUSED = 3
    PARTIAL = 4
    TIMEOUT = 5
    CANCELLED = 6
    NOT_FOUND = 7
    ACCESS_DENIED = 8
    UNAVAILABLE = 9
    STILL_RUNNING = 10
    INTERRUPTED = 130
    CLOSED_PIPE = 141


OF_STATE = {
    "completed": Exit.DONE,
    "partial": Exit.PARTIAL,
    "error": Exit.ERROR,
    "timeout": Exit.TIMEOUT,
    "cancelled": Exit.CANCELLED,
}
OF_ERROR: tuple[tuple[type[errors.McpError], Exit], ...] = (
    (errors.Refused, Exit.REFUSED),
    (errors.InvalidRequest, Exit.USAGE),
    (errors.NotFound, Exit.NOT_FOUND),
    (errors.AccessDenied, Exit.ACCESS_DENIED),
    (errors.ServerUnavailable, Exit.UNAVAILABLE),
)


def of_state(state: str) -> Exit:
    """Return the exit code for the state of a run."""
    return OF_STATE.get(state, Exit.STILL_RUNNING)


def of_error(error: errors.McpError) -> Exit:
    """Return the exit code for a failed request."""
    return next((code for kind, code in OF_ERROR if isinstance(error, kind)), Exit.ERROR)
