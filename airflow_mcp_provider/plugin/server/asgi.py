"""HTTP responses over ASGI, without the application."""

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
    media_type: bytes = b"application/json",
) -> None:
    """Send a response, with ``content`` as JSON if given; ``retry_after`` is in seconds."""
    body = b"" if content is NOTHING else json.dumps(content, separators=(",", ":")).encode()
    headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())] if body else []
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first header with the name, in lower case as in ASGI; None if there is none."""
    return next((value.decode("latin-1") for one, value in headers if one == name), None)
