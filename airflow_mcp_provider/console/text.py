"""Texts for people: what a server sends, in one line; durations; times of this host."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mcp_provider.client.models import Progress, Run, RunSummary, Why

STYLES = {
    "queued": "cyan",
    "waiting": "cyan",
    "running": "blue",
    "cancelling": "yellow",
    "completed": "green",
    "succeeded": "green",
    "partial": "yellow",
    "error": "red",
    "failed": "red",
    "timeout": "red",
    "cancelled": "magenta",
    "skipped": "magenta",
}
SHOWN = 2000  # characters of a value


def clean(value: object, most: int = SHOWN) -> str:
    """Return a text as one line without control characters: a key or message cannot change the terminal."""
    text = str(value)
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def lines(message: str) -> str:
    """Return a message of several lines, each without control characters."""
    return "\n".join(clean(line) for line in message.split("\n"))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def value(found: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a JSON value as text."""
    return clean(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False))


def length(seconds: float) -> str:
    """Return a duration in the two largest of its units, for example ``1h 05m``."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def moment(found: datetime | None) -> str:
    """Return a time in the time zone of this host."""
    return "" if found is None else f"{found.astimezone():%Y-%m-%d %H:%M:%S}"


def took(run: Run | RunSummary) -> str:
    """Return how long a run has worked."""
    if run.started is None:
        return ""
    return length(((run.ended or datetime.now(UTC)) - run.started).total_seconds())


def why(found: Why | None) -> str:
    """Return a reason."""
    return "" if found is None else clean(found.text)


def counts(found: Progress | None) -> str:
    """Return the numbers of subtasks."""
    if found is None:
        return ""
    named = {"done": found.done, "running": found.running, "failed": found.failed, "skipped": found.skipped}
    parts = [f"{number} {name}" for name, number in named.items() if number or name == "done"]
    return f"{found.known} known: {', '.join(parts)}"


def steps(found: Progress | None) -> str:
    """Return for each step of a run that has several how many of its subtasks have succeeded, of how many."""
    each = found.steps if found and len(found.steps) > 1 else ()
    return ", ".join(f"{clean(one.step)} {one.succeeded}/{one.known}" for one in each)


def ordinal(number: int) -> str:
    """Return a place, for example ``3rd``."""
    tens, units = number % 100 // 10, number % 10
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(units, 'th')}"
