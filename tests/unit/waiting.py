"""Waits for what another thread or process does, however slow the machine is."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.sizes import patient


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is true."""
    end = time.monotonic() + patient(seconds)
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


async def holds(true: Callable[[], object]) -> None:
    """Wait in an event loop until something is true."""
    async with asyncio.timeout(patient(30)):
        while not true():  # noqa: ASYNC110 - what another task, thread or process does
            await asyncio.sleep(0.01)


class Since(timedelta):
    """A time limit of work that counts from when the work has made a file: not its start is limited."""

    file: Path

    @classmethod
    def begun(cls, file: Path, seconds: float) -> "Since":
        """Return a limit."""
        made = cls(seconds=seconds)
        made.file = file
        return made

    def total_seconds(self) -> float:
        """Wait for the file."""
        until(self.file.exists, 60)
        return super().total_seconds()


def is_read(pipe: Path) -> bool:
    """Return whether a process has opened a named pipe to read it."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
