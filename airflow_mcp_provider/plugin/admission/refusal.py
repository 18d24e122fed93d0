"""The error of a run that is not accepted: an HTTP response in the API server, an exception with a text elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException

from airflow_mcp_provider.errors import McpError

CONF, BUSY = "conf", "busy"
"""The ``rule`` of a run whose conf does not fit the params of its job, and of one that would wait for another
transaction; the other rules are named as in ``queue`` of a spec."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run is not accepted.

    ``pending`` is the number of runs that the rule counted, without the new one. ``retry_after`` is in seconds, None
    where a retry does not help. ``run`` is the queued run that does the same work, for ``unique``.
    """

    job: str
    rule: str
    text: str
    pending: int = 0
    retry_after: int | None = None
    run: str | None = None

    @property
    def status(self) -> HTTPStatus:
        """The status of an HTTP response."""
        if self.rule == CONF:
            return HTTPStatus.UNPROCESSABLE_ENTITY
        return HTTPStatus.TOO_MANY_REQUESTS if self.retry_after is not None else HTTPStatus.CONFLICT


class RunRefused(McpError, HTTPException):
    """A run is not accepted. FastAPI answers with the status and the text; a shell prints the text."""

    def __init__(self, refusal: Refusal) -> None:
        headers = None if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
        HTTPException.__init__(self, refusal.status, refusal.text, headers)
        self.refusal = refusal

    def __str__(self) -> str:
        return self.refusal.text
