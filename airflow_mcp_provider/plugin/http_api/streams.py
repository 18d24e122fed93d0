"""How events are written: as server-sent events, or as lines of JSON.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

SSE, NDJSON = "text/event-stream", "application/x-ndjson"
UNCOMPRESSED = {"Content-Encoding": "identity", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""Airflow's compression holds lines back until it has many; proxies do the same."""

MOST_TAIL, MOST_TAIL_CHARS = 1000, 4_000_000
"""The largest number of last lines that are kept in memory for a client, and of their characters; one line always."""

Sent = tuple[int, str, bytes] | None
"""The id, the name and the document of an event; None for a comment."""


def sse(event: Sent) -> bytes:
    """Return an event as a server-sent event."""
    if event is None:
        return b": still there\n\n"
    number, name, run = event
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), run)


def ndjson(event: Sent) -> bytes:
    """Return an event as a line of JSON."""
    if event is None:
        return b"\n"
    number, name, run = event
    return b'{"id":%d,"event":"%s","run":%s}\n' % (number, name.encode(), run)


async def last_lines(texts: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    """Yield the last lines of texts of whole lines, when all were read."""
    kept: deque[str] = deque()
    size = 0
    async for text in texts:
        for line in text.splitlines(keepends=True):
            kept.append(line)
            size += len(line)
            while len(kept) > count or (len(kept) > 1 and size > MOST_TAIL_CHARS):
                size -= len(kept.popleft())
    for line in kept:
        yield line
