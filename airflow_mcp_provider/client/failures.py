"""Responses and broken connections as errors of ``airflow_mcp_provider.errors``: by what the caller does next."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from airflow_mcp_provider.client.calls import Call
from airflow_mcp_provider.client.models import Problem
from airflow_mcp_provider.errors import (
    AccessDenied,
    InvalidRequest,
    NotFound,
    Refused,
    RequestFailed,
    ServerUnavailable,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
URN = "urn:airflow-mcp:"
NO_API = (
    "check the URL; expected an API server of Airflow with airflow-mcp-provider (airflow mcp check, on its host, lists "
    "what is missing)"
)
OTHER = "a valid token (--token or AIRFLOW_CLI_TOKEN of mcp-jobs), or a user and a password (--user)"
KINDS: dict[int, tuple[type[RequestFailed], str]] = {
    HTTPStatus.CONFLICT: (Refused, ""),
    HTTPStatus.TOO_MANY_REQUESTS: (Refused, ""),
    HTTPStatus.UNAUTHORIZED: (AccessDenied, f"use {OTHER}"),
    # Airflow answers so to a token that is not one of its own, too.
    HTTPStatus.FORBIDDEN: (AccessDenied, f"ask an administrator for the permission, or use {OTHER}"),
    HTTPStatus.NOT_FOUND: (NotFound, "check the name (mcp-jobs list)"),
    HTTPStatus.BAD_GATEWAY: (ServerUnavailable, "send the request again later"),
    HTTPStatus.SERVICE_UNAVAILABLE: (ServerUnavailable, "send the request again later"),
    HTTPStatus.GATEWAY_TIMEOUT: (ServerUnavailable, "send the request again later"),
}
"""The error for a status, and the next step; the next step of Refused depends on the response."""
SHOWN = 500  # characters of a response that is not from this API


def content(call: Call[T], response: httpx.Response) -> T:
    """Return the result of a call; raises RequestFailed."""
    if not response.is_success:
        raise failure(response)
    if response.content and "json" not in response.headers.get("content-type", ""):
        raise NotFound("the response is not JSON", url=_url(response), status=response.status_code, next_step=NO_API)
    try:
        return call.read(response.content)
    except ValidationError as error:
        text = f"unexpected response: {error.errors()[0]['msg']} at {error.errors()[0]['loc']}"
        raise RequestFailed(text, url=_url(response), status=response.status_code, next_step=NO_API) from error


def failure(response: httpx.Response) -> RequestFailed:
    """Return the error for an error response, whose content was read."""
    problem = _problem(response)
    status, url = response.status_code, _url(response)
    kind, step = _kind(status, problem)
    error = kind(problem.detail, url=url, status=status, next_step=step)
    if isinstance(error, Refused | ServerUnavailable):
        error.retry_after = _seconds(response.headers.get("retry-after"))
    if isinstance(error, ServerUnavailable) and error.retry_after:
        error.next_step = f"try again in {error.retry_after:.0f} s"
    if isinstance(error, Refused):
        error.limit, error.pending, error.run = problem.limit, problem.pending, problem.run
        error.next_step = _when(error)
    return error


def unreachable(error: Exception, url: str, *, reached: bool) -> ServerUnavailable:
    """Return the error for a connection that was not made, or that was cut. ``reached``: the request was sent."""
    what = "connection lost" if reached else "cannot connect"
    step = "start the API server, or check the URL (--url of mcp-jobs)"
    found = ServerUnavailable(f"{what}: {error or type(error).__name__}", url=url, next_step=step)
    found.reached = reached
    return found


def _kind(status: int, problem: Problem) -> tuple[type[RequestFailed], str]:
    if status == HTTPStatus.NOT_FOUND and not problem.type.startswith(URN):
        return NotFound, NO_API
    if status < HTTPStatus.BAD_REQUEST:
        return RequestFailed, "use the address to which the server redirects (http or https, its path)"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in KINDS:
        return RequestFailed, "see the log of the API server"
    return KINDS.get(status, (InvalidRequest, "change the request"))


def _problem(response: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        text = response.text[:SHOWN] or response.reason_phrase
        return Problem(type="about:blank", title="", status=response.status_code, detail=text)


def _when(error: Refused) -> str:
    if error.run is not None:
        return f"wait for the run {error.run}, or use its result"
    if error.retry_after is not None:
        return f"try again in {error.retry_after:.0f} s"
    return "look at the state of the run and of its job"


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdecimal() else None


def _url(response: httpx.Response) -> str:
    return f"{response.request.method} {response.request.url}"
