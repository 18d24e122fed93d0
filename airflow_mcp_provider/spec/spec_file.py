"""Read the text of a spec file, within a size limit and without blocking.

Runs in the DAG processor, in every runner and in a shell, for a job's own file and for the files with defaults.
"""

import os
import stat
from pathlib import Path

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.faults import printable
from airflow_mcp_provider.spec.problems import combined

LARGEST = 1_000_000


def read_text(path: Path) -> str:
    """Return the text of the file at ``path``; raises SpecError when it is no readable UTF-8 text of that size."""
    source = printable(path)
    try:
        data = _content(path, source)
    except (OSError, ValueError) as error:  # ValueError: an invalid file name
        raise unreadable(source, f"cannot read the file: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST:
        raise unreadable(source, "file too large", expected=f"at most {LARGEST} bytes")
    return _decoded(data, source)


def unreadable(source: str, wrong: str, given: str = "", expected: str = "", line: int | None = None) -> SpecError:
    """Return the error of a file that cannot be read; ``source`` is its name in the message."""
    return combined([Problem(wrong, "", source, line, given, expected)])


def _content(path: Path, source: str) -> bytes:
    """Read at most ``LARGEST`` bytes and one more; do not open devices, and do not wait for the writer of a FIFO."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise unreadable(source, "unsupported type of file", expected="a regular file")
    with open(path, "rb", opener=_at_once) as file:
        return file.read(LARGEST + 1) or b""


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(source, "invalid UTF-8 byte", f"0x{data[error.start]:02x}", line=line) from None
