"""The result of the job `inventory` as tables for a terminal.

Pure functions from a result to rich renderables. Each part of the result may be missing, because a failed run has a
result too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

MOST = 10  # rows of a table
UNITS = ("B", "kB", "MB", "GB", "TB")
STEP = 1000
NUMBERS = {"files", "lines", "size", "copies"}
COPIES = 3  # paths of a group of duplicates to show


def report(result: Mapping[str, Any]) -> list[RenderableType]:
    """Return the tables of a result and its summary; missing parts are left out."""
    found: Mapping[str, Any] = result.get("result") or {}
    parts = [
        _table("Languages", [*map(_language, found.get("languages", ()))], "language", "files", "lines", "size"),
        _table("Largest files", [*map(_file, found.get("largest", ()))], "size", "file"),
        _table("Duplicates", [*map(_duplicates, found.get("duplicates", ()))], "size", "copies", "where"),
        _table("Problems", [*map(_problem, found.get("problems", ()))], "what", "where"),
        _table("Failed subtasks", [*map(_failure, result.get("failures", ()))], "subtask", "error"),
    ]
    return [*(part for part in parts if part), summary(result)]


def summary(result: Mapping[str, Any]) -> str:
    """Return the result as one line."""
    totals: Mapping[str, Any] = (result.get("result") or {}).get("totals", {})
    counted = ", ".join(
        f"{_amount(name, totals[name])}" for name in ("directories", "files", "lines", "bytes") if name in totals
    )
    subtasks = f"{result.get('succeeded', 0)} of {result.get('subtasks', 0)} subtasks succeeded"
    return f"[bold]{result.get('state', 'unknown')}[/]: {subtasks}" + (f"; {counted}" if counted else "")


def size(count: float) -> str:
    """Return a number of bytes as text with a unit.

    >>> size(999), size(1_500_000)
    ('999 B', '1.5 MB')
    """
    for unit in UNITS:
        if count < STEP or unit == UNITS[-1]:
            break
        count /= STEP
    return f"{count:.0f} {unit}" if unit == UNITS[0] else f"{count:.1f} {unit}"


def _amount(name: str, count: float) -> str:
    return size(count) if name == "bytes" else f"{count:,} {name}"


def _table(title: str, rows: Sequence[Iterable[str]], *columns: str) -> Table | None:
    if not rows:
        return None
    more = f" (first {MOST} of {len(rows)})" if len(rows) > MOST else ""
    table = Table(title=title + more, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for row in rows[:MOST]:
        table.add_row(*map(escape, row))
    return table


def _language(row: Mapping[str, Any]) -> Iterable[str]:
    return row["language"], f"{row['files']:,}", f"{row['lines']:,}", size(row["bytes"])


def _file(row: Mapping[str, Any]) -> Iterable[str]:
    return size(row["bytes"]), row["path"]


def _duplicates(row: Mapping[str, Any]) -> Iterable[str]:
    paths = row.get("paths", [])
    return size(row["bytes"]), str(row.get("copies", len(paths))), "\n".join(paths[:COPIES])


def _problem(row: Mapping[str, Any] | str) -> Iterable[str]:
    return ("", row) if isinstance(row, str) else (str(row.get("reason", "")), str(row.get("path", "")))


def _failure(row: Mapping[str, Any]) -> Iterable[str]:
    return str(row.get("key", "")), f"{row.get('type', '')}: {row.get('message', '')}"
