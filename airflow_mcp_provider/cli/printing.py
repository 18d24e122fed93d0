"""Print the text of a command."""

from __future__ import annotations

import sys


def print_line(line: object) -> None:
    """Print a line to stdout, with escapes for characters that its encoding does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    print(str(line).encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201 - the command's output
