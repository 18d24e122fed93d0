"""Files that the work left for the runner: read whole, within a limit, and never waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from airflow_mcp_provider.errors import InvalidPayload


def content(path: Path, name: str, most: int, *, follow: bool = False) -> bytes:
    """Read a regular file of at most ``most`` bytes; errors call it ``name``. ``follow``: a link to one will do.

    Raises InvalidPayload for anything else. Opening a pipe without a writer would wait for ever.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise InvalidPayload(f"{name} cannot be read: {error.strerror}; expected a regular file") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidPayload(f"{name} is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise InvalidPayload(f"{name} has more than {most} bytes")
    return data
