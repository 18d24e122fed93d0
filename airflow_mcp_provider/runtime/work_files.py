"""Read files that the work wrote for the runner, within a size limit, without blocking."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from airflow_mcp_provider.errors import InvalidPayload


def content(path: Path, name: str, most: int, *, follow: bool = False) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes; ``name`` is its name in error messages.

    ``follow``: symbolic links are allowed. Raises InvalidPayload for anything else than a regular file. A pipe is
    opened without blocking, because it may have no writer.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise InvalidPayload(f"{name} cannot be read: {error.strerror}; expected a regular file") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidPayload(f"{name} is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise InvalidPayload(f"{name} is too large; expected at most {most} bytes")
    return data
