"""A little of HTTP over ASGI, for answers that the application has no part in."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

NOTHING = object()


async def reply(
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    status: int,
    content: object = NOTHING,
    *,
    retry_after: int | None = None,
) -> None:
    """Answer a request, with JSON where there is content."""
    body = b"" if content is NOTHING else json.dumps(content, separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())] if body else []
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first header of a name, which an ASGI server gives in lower case."""
    return next((value.decode("latin-1") for one, value in headers if one == name), None)
