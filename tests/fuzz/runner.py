"""A runner without Airflow: the real door, pipe, fork and limits; behind them a run that takes every subtask."""

import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.payload import Child
from airflow_mcp_provider.runtime.size_limits import MAX_RESULT_BYTES
from airflow_mcp_provider.runtime.stdout import LastLine, Reader
from airflow_mcp_provider.spec import Timeouts, parse_work


class Ledger:
    """Keeps the latest of what it is given."""

    def __init__(self) -> None:
        self.last: Child | None = None
        self.shown: list[tuple[float, str]] = []

    def enqueue(self, children: Sequence[Child]) -> int:
        """Take them."""
        self.last = children[-1] if children else None
        return len(children)

    def progress(self, fraction: float, message: str) -> None:
        """Keep what is shown."""
        self.shown.append((fraction, message))


def done(
    work: dict[str, Any],
    subtask: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    limit: int = MAX_RESULT_BYTES,
    printed: Reader = LastLine,
) -> Any:
    """Do the work in a process of its own, its log thrown away; returns the result."""
    call = Call((subtask, params or {}), "subtask, params", subtask, params or {})
    with Path(os.devnull).open("w") as log, redirect_stdout(log), redirect_stderr(log):
        return perform(parse_work(work), call, channel=Ledger(), timeouts=Timeouts(), limit=limit, printed=printed)
