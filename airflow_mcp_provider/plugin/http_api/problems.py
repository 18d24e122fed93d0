"""Errors of the HTTP API as RFC 9457 has them: a stable ``type``, and a ``detail`` that is a string.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DataError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from airflow_mcp_provider.client.models import Problem
from airflow_mcp_provider.errors import InvalidPayload, McpError, RunIsOver, SpecError, TryAgain
from airflow_mcp_provider.plugin.admission.refusal import RunRefused
from airflow_mcp_provider.plugin.control.refused import ControlRefused

MEDIA_TYPE = "application/problem+json"
URN = "urn:airflow-mcp:"
RETRY_S = 5
WORDS = {
    HTTPStatus.BAD_REQUEST: "invalid_request",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_request",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
STATUSES: tuple[tuple[type[McpError], HTTPStatus], ...] = (
    (InvalidPayload, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RunIsOver, HTTPStatus.CONFLICT),
    (SpecError, HTTPStatus.CONFLICT),
    (TryAgain, HTTPStatus.SERVICE_UNAVAILABLE),
)
TITLES = {HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content"}
"""The name of RFC 9110; older versions of Python have another."""

log = structlog.get_logger(__name__)


class ApiError(McpError):
    """A request that cannot be answered; ``word`` is the end of the problem's ``type``, ``retry_after`` in seconds."""

    def __init__(self, status: HTTPStatus, word: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.word = word
        self.headers = None if retry_after is None else {"Retry-After": str(retry_after)}


def not_found(what: str) -> ApiError:
    """Return the error for something that does not exist, or that the user cannot see."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", f"{what} not found")


def install(app: FastAPI) -> None:
    """Register the handlers of all errors."""
    app.add_exception_handler(RunRefused, _refused)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(ControlRefused, _control_refused)
    app.add_exception_handler(McpError, _mcp_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _database_error)
    app.add_exception_handler(Exception, _unexpected)


def answer(status: int, word: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return a response; ``more`` are further fields of ``Problem``."""
    body = Problem(type=f"{URN}{word}", title=title(status), status=status, detail=detail, **more)
    return Response(body.model_dump_json(exclude_none=True), status, dict(headers or {}), MEDIA_TYPE)


def with_nul(status: HTTPStatus) -> Response:
    """Return the response to a path or a query with the character NUL, which the database cannot look up."""
    return answer(status, word_of(status), "the character NUL in the path or the query; expected valid text")


def title(status: int) -> str:
    """Return the name of a status."""
    known = HTTPStatus(status)
    return TITLES.get(known, known.phrase)


def word_of(status: int) -> str:
    """Return the word for a status without a better one."""
    known = HTTPStatus(status)
    return WORDS.get(known) or re.sub(r"[^a-z]+", "_", known.phrase.lower())


def _refused(_: Request, error: Any) -> Response:  # noqa: ANN401 - the type that was registered
    refusal = error.refusal
    more = {"limit": refusal.rule, "pending": refusal.pending, "run": refusal.run}
    return answer(int(refusal.status), refusal.rule, refusal.text, error.headers, **more)


def _api_error(_: Request, error: Any) -> Response:  # noqa: ANN401 - likewise
    return answer(int(error.status), error.word, str(error), error.headers)


def _control_refused(_: Request, error: Any) -> Response:  # noqa: ANN401 - likewise
    return answer(error.status_code, error.kind, error.text, error.headers)


def _mcp_error(_: Request, error: Any) -> Response:  # noqa: ANN401 - likewise
    status = next((found for kind, found in STATUSES if isinstance(error, kind)), HTTPStatus.CONFLICT)
    return answer(int(status), word_of(status), str(error), _retry_after(status))


def _http_error(_: Request, error: Any) -> Response:  # noqa: ANN401 - likewise
    detail = error.detail if isinstance(error.detail, str) else json.dumps(error.detail, default=str)
    return answer(error.status_code, word_of(error.status_code), detail, _headers(error))


def _headers(error: HTTPException) -> Mapping[str, str]:
    challenge = {"WWW-Authenticate": "Bearer"} if error.status_code == HTTPStatus.UNAUTHORIZED else {}
    return {**challenge, **(error.headers or {})}


def _invalid(_: Request, error: Any) -> Response:  # noqa: ANN401 - likewise
    found = [f"{_path(one['loc'])}: {one['msg']}" for one in error.errors()[:10]]
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "; ".join(found)[:2000])


def _path(parts: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in parts)


def _database_error(request: Request, error: Any) -> Response:  # noqa: ANN401 - likewise
    """Answer without the statement, which may have secrets; the log has it."""
    if isinstance(error, DataError):
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "the database cannot store a value")
    log.error("database error", path=request.url.path, exc_info=error)
    if isinstance(error, OperationalError | PoolTimeoutError):
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return answer(status, "unavailable", "the database is busy; retry the request", _retry_after(status))
    return answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "database error; see the API server's log")


def _unexpected(_: Request, error: Any) -> Response:  # noqa: ANN401, ARG001 - likewise; the server logs it
    return answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "unexpected error; see the API server's log")


def _retry_after(status: HTTPStatus) -> dict[str, str]:
    return {"Retry-After": str(RETRY_S)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
