"""End the streams when the API server gets SIGTERM: it waits for its open connections, by default for two minutes.

The handler of the server is called, too: it is the one that was there before.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_sigterm(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the event loop when this process gets SIGTERM; does nothing outside of the main thread."""
    before = signal.getsignal(signal.SIGTERM)
    # Without a handler the signal ends the process, which a handler of its own would prevent.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        before(number, frame)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
