"""A channel that keeps what it is given: the real door, pipe, fork and limits stand before it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.errors import LimitReached
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.payload import Child
from airflow_mcp_provider.spec import Timeouts, parse_work
from tests.unit.waiting import Since


class Ledger:
    """A run with room for ``limit`` subtasks, as the server keeps one."""

    def __init__(self, limit: int = 100_000) -> None:
        self.limit = limit
        self.children: dict[str, Any] = {}
        self.jobs: dict[str, str] = {}
        self.shown: list[tuple[float, str]] = []

    def enqueue(self, children: Sequence[Child]) -> int:
        new = {child.key: child.payload for child in children if child.key not in self.children}
        if len(self.children) + len(new) > self.limit:
            wanted = len(self.children) + len(new)
            raise LimitReached(f"the run would have {wanted} subtasks; the limit is {self.limit}")
        self.children |= new
        self.jobs |= {child.key: child.job for child in children if child.job}
        return len(new)

    def progress(self, fraction: float, message: str) -> None:
        self.shown.append((fraction, message))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write user code into a module of its own; returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> str:
        name = f"job_{len(list(tmp_path.glob('job_*.py')))}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(source)
        sys.modules.pop(name, None)
        return name

    return write


@pytest.fixture
def do(ledger: Ledger) -> Callable[..., Any]:
    """Perform work as a runner does; ``begun``: the first time limit counts from when the work has made this file."""

    def perform_it(
        work: dict[str, Any],
        payload: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        key_field: str | None = None,
        begun: Path | None = None,
        **limits: Any,
    ) -> Any:
        subtask, parameters = payload or {}, params or {}
        call = Call((subtask, parameters), "subtask, params", subtask, parameters)
        timeouts = Timeouts.model_validate(limits)
        if begun:
            first = "soft" if timeouts.soft else "hard"
            seconds = getattr(timeouts, first).total_seconds()
            timeouts = timeouts.model_copy(update={first: Since.begun(begun, seconds)})
        return perform(parse_work(work), call, channel=ledger, timeouts=timeouts, key_field=key_field)

    return perform_it
