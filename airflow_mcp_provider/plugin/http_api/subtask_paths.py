"""Keys of subtasks in paths: any text, with slashes, too.

A server decodes the path before a route is chosen: the key ``a/logs`` and the log of the key ``a`` would be the same.
This middleware keeps the part after ``/subtasks/`` encoded, as the client sent it; the routes decode it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Path, Query
from starlette.responses import Response

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.runtime.size_limits import MAX_KEY_CHARS

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
_SUBTASK = re.compile(r"(?P<before>.*?/runs/[^/]+/subtasks/)(?P<key>.+)", re.DOTALL)


class SubtaskPaths:
    """ASGI middleware of the application; ``refuse`` makes the response for what the database cannot look up."""

    def __init__(self, app: App, refuse: Callable[[HTTPStatus], Response]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401 - of ASGI
        """Pass a request on, with the key of a subtask encoded."""
        if scope["type"] == "http":
            if (status := _with_nul(scope)) is not None:
                await self._refuse(status)(scope, receive, send)
                return
            scope = {**scope, "path": encoded(scope["path"], scope.get("raw_path"))}
        await self._app(scope, receive, send)


def in_one_line(scope: Scope) -> Scope:
    """Return the scope of a request with the line breaks of its path encoded, if it is one of the HTTP API.

    For the middleware of the whole API server: its router does not find the application for a path with a line break,
    and leaves out one at the end.
    """
    path = scope["path"]
    if "\n" not in path or not path.removeprefix(scope.get("root_path", "")).startswith(PREFIX):
        return scope
    return {**scope, "path": path.replace("\n", "%0A")}


def _with_nul(scope: Scope) -> HTTPStatus | None:
    if "\0" in scope["path"]:
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.UNPROCESSABLE_ENTITY if b"%00" in scope.get("query_string", b"") else None


def encoded(path: str, raw: bytes | None) -> str:
    """Return a path whose part after ``/subtasks/`` is encoded; ``raw`` is the path as the client sent it."""
    sent = (raw or b"").partition(b"?")[0].decode("latin-1")
    if found := _SUBTASK.fullmatch(sent):
        return unquote(found["before"]) + found["key"]
    if found := _SUBTASK.fullmatch(path):
        return found["before"] + quote(found["key"], safe="/")
    return path


def _key(
    key: Annotated[str, Path(description="The key of the subtask, percent-encoded, slashes, too.")],
    named: Annotated[
        str | None,
        Query(
            alias="key",
            description="The key instead of that in the path. For `.` and `..`: browsers and proxies remove these"
            " from a path, also where they are percent-encoded.",
            max_length=MAX_KEY_CHARS,
        ),
    ] = None,
) -> str:
    return unquote(key) if named is None else named


SubtaskKey = Annotated[str, Depends(_key)]
"""The decoded key in the path of a route."""
