"""The error of a control request that cannot be carried out: an HTTP response with a text."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException


class ControlRefused(HTTPException):
    """Nothing was changed, where the text does not say what was.

    ``kind`` is a stable word for programs; ``retry_after`` is in seconds.
    """

    def __init__(self, kind: str, text: str, status: HTTPStatus, *, retry_after: int | None = None) -> None:
        headers = None if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, text, headers)
        self.kind = kind
        self.text = text

    def __str__(self) -> str:
        return self.text


def not_found(what: str) -> ControlRefused:
    """Return the error for something that does not exist."""
    return ControlRefused("not_found", f"{what} does not exist", HTTPStatus.NOT_FOUND)


def conflict(kind: str, text: str) -> ControlRefused:
    """Return the error for a run in another state."""
    return ControlRefused(kind, text, HTTPStatus.CONFLICT)
