"""The subtasks of a run in this process as a tree that grows, above it what the work prints.

While the tree is on a terminal, everything that this process and its children write is read through a pipe and printed
above the tree. A breakpoint gives the terminal back, for the rest of the run. Where the output is not a terminal, each
ended subtask is one line.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from airflow_mcp_provider.client.models import Why
from airflow_mcp_provider.console import text
from airflow_mcp_provider.console.screen import WIDE
from airflow_mcp_provider.console.tree import drawn, label

if TYPE_CHECKING:
    from rich.console import RenderableType

    from airflow_mcp_provider.local_run import LocalRun, Record, Result

FRAMES = 8
"""Of the tree, in a second."""
ROOM = 6
"""Lines of the terminal that the tree leaves free."""
MOST_DRAWN = 200
"""Subtasks in the tree at the end."""
DEBUGGERS = frozenset({"builtins.breakpoint", "pdb.Pdb"})
"""Audit events (https://docs.python.org/3/library/audit_events.html) of the start of a debugger."""


@dataclass(frozen=True)
class Node:
    """A subtask in a step as ``tree.label`` draws it."""

    key: str
    step: str
    state: str
    parent: str | None
    attempt: int
    message: str | None
    error: Why | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """Build from a record of a run."""
        item, error = record.item, record.error
        parent = item.parent if item.parent != item.key else None
        why = Why(code=error.type, text=error.message) if error else None
        return cls(item.key, record.step, record.state, parent, record.attempt, record.message or None, why)


def shown(run: LocalRun) -> Result:
    """Run the job to its end, with its tree on the screen; print its result."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else WIDE)
    if console.is_terminal:
        with LiveTree(run):
            result = run.run()
    else:
        lines = _Lines()
        run.subtasks.changed = lines.print
        result = run.run()
        for record in run.subtasks.records:  # those that were skipped at the end of the run
            lines.print(record)
    _print_end(console, run, result)
    return result


def _print_end(console: Console, run: LocalRun, result: Result) -> None:
    records = run.subtasks.records
    if console.is_terminal and len(records) <= MOST_DRAWN:
        console.print(drawn(run.spec.id, map(Node.of, records)))
    style = text.STYLES["failed"] if not result.succeeded else text.STYLES["completed"]
    console.print(Text(text.lines(result.note), style))
    if result.run.result is not None:
        console.print(Text(json.dumps(result.run.result, indent=2, ensure_ascii=False)))


@dataclass
class _Lines:
    """Prints each subtask once, when it has ended."""

    printed: set[int] = field(default_factory=set)

    def print(self, record: Record) -> None:
        """Print the subtask if it has ended since the last call."""
        if id(record) not in self.printed and record.state in {"succeeded", "failed", "skipped"}:
            self.printed.add(id(record))
            print(label([Node.of(record)]).plain, flush=True)  # noqa: T201 - the command's output


class LiveTree:
    """The terminal while the run works: a context manager."""

    def __init__(self, run: LocalRun) -> None:
        self._run = run
        self._main = threading.get_ident()
        self._open = False

    def __enter__(self) -> Self:
        sys.stdout.flush()
        self._kept = [os.dup(1), os.dup(2)]
        self._console = Console(file=os.fdopen(os.dup(self._kept[0]), "w"), force_terminal=True, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._frame,
            refresh_per_second=FRAMES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        reading, writing = os.pipe()
        for target in (1, 2):
            os.dup2(writing, target)
        os.close(writing)
        self._pump = threading.Thread(target=self._copy, args=(reading,), daemon=True)
        self._pump.start()
        self._open = True
        sys.addaudithook(self._audit)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        """Give the terminal back."""
        if not self._open:
            return
        self._open = False
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for target, kept in enumerate(self._kept, start=1):
            os.dup2(kept, target)
            os.close(kept)
        self._pump.join(1)
        self._live.stop()

    def _audit(self, event: str, _arguments: Any) -> None:  # noqa: ANN401 - whatever the event has
        if self._open and event in DEBUGGERS and threading.get_ident() == self._main:
            self._close()

    def _copy(self, reading: int) -> None:
        with os.fdopen(reading, errors="replace") as lines:
            for line in lines:
                self._console.print(Text(line.rstrip("\n")))

    def _frame(self) -> RenderableType:
        most = max(self._console.height - ROOM, 1)
        records = self._run.subtasks.records
        return Group(drawn(self._run.spec.id, map(Node.of, _latest(records, most))), Text(_counts(records)))


def _latest(records: Iterable[Record], most: int) -> list[Record]:
    """Return the running subtask and those before and after it, as many as fit."""
    found = list(records)
    begun = [place for place, one in enumerate(found) if one.state != "waiting"]
    end = min(len(found), max((begun[-1] if begun else 0) + most // 3, most))
    return found[max(0, end - most) : end]


def _counts(records: Iterable[Record]) -> str:
    states = [record.state for record in records]
    each = {state: states.count(state) for state in ("succeeded", "failed", "skipped", "running", "waiting")}
    return ", ".join(f"{count} {state}" for state, count in each.items() if count)
