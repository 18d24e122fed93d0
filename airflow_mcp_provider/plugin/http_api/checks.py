"""What a request's body may not have: texts that a database cannot store, and values that other code cannot read."""

from __future__ import annotations

from datetime import UTC
from http import HTTPStatus
from typing import Any

from airflow_mcp_provider.client.models import Request, Submit
from airflow_mcp_provider.plugin.db import nesting
from airflow_mcp_provider.plugin.http_api.problems import ApiError
from airflow_mcp_provider.spec.marker import PRIORITY

INVALID_TEXT = "a text with the character NUL or with half of a surrogate pair; expected valid text"


def check(body: Submit) -> None:
    """Raise ApiError for what cannot be stored, or what would be taken for something else."""
    if PRIORITY in body.conf:
        raise _wrong("conf", f"conf: {PRIORITY} is reserved; expected the field priority of the request")
    # First: most code calls itself for each level.
    if nesting.too_deep(body.conf):
        raise _wrong("conf", f"conf: nested deeper than {nesting.MOST} levels; expected at most {nesting.MOST}")
    if not storable([body.conf, body.note]):
        raise _wrong("conf", INVALID_TEXT)
    if body.key is not None and not storable(body.key):
        raise _wrong("invalid_request", f"key: {INVALID_TEXT}")
    _check_time(body)


def _check_time(body: Submit) -> None:
    try:
        _ = body.not_before and body.not_before.astimezone(UTC)
    except OverflowError as error:
        raise _wrong("invalid_request", "not_before: in UTC outside of the years 1 to 9999") from error


def check_texts(body: Request) -> None:
    """Raise ApiError for a text that a database cannot look up or store."""
    if not storable(body.model_dump()):
        raise _wrong("invalid_request", INVALID_TEXT)


def _wrong(word: str, text: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, word, text)


def storable(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether Postgres can store each text of a JSON value, which is not nested too deep."""
    if isinstance(value, dict):
        return all(storable(name) and storable(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(storable, value))
    return not isinstance(value, str) or _is_text(value)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
